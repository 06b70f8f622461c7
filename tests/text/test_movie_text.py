from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.text.movie_text import count_texts, movie_texts

CELLS = (
    st.none()
    | st.text(alphabet=st.characters(exclude_categories=["Cs"]))
    | st.sampled_from([" ", "\t\u3000"])
)


def table(rows: list[tuple[str | None, str | None]]) -> pa.Table:
    taglines, overviews = zip(*rows, strict=True)
    return pa.table(
        {"tagline": pa.array(taglines, pa.string()), "overview": pa.array(overviews, pa.string())}
    )


def plainly(tagline: str | None, overview: str | None) -> str:
    parts = [part.strip() for part in (tagline, overview) if part is not None and part.strip()]
    return " ".join(parts) or "[empty]"


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_texts_are_those_of_the_spec(rows: list[tuple[str | None, str | None]]) -> None:
    assert movie_texts(table(rows)).to_pylist() == [plainly(*row) for row in rows]


def test_a_movie_without_text_keeps_its_row() -> None:
    # binary_join_element_wise(null_handling="skip") of pyarrow 26 drops a row whose cells are all null.
    texts = movie_texts(table([(None, None), ("a", None), (" ", "b "), (" a ", " b")]))
    assert texts.to_pylist() == ["[empty]", "a", "b", "a b"]
    assert count_texts(texts) == {"movies": 4, "nonempty": 3, "nonempty_fraction": 0.75}


def test_no_movie_at_all_is_counted_as_nothing() -> None:
    assert count_texts(pa.chunked_array([], pa.string())) == {
        "movies": 0,
        "nonempty": 0,
        "nonempty_fraction": 0.0,
    }
