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


def movie_table(rows: list[tuple[str | None, str | None]]) -> pa.Table:
    taglines, overviews = zip(*rows, strict=True)
    return pa.table(
        {"tagline": pa.array(taglines, pa.string()), "overview": pa.array(overviews, pa.string())}
    )


def expected_text(tagline: str | None, overview: str | None) -> str:
    parts = [part.strip() for part in (tagline, overview) if part is not None and part.strip()]
    return " ".join(parts) or "[empty]"


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_movie_texts_joins_stripped_cells(rows: list[tuple[str | None, str | None]]) -> None:
    assert movie_texts(movie_table(rows)).to_pylist() == [expected_text(*row) for row in rows]


def test_movie_texts_keeps_the_rows_of_movies_without_text() -> None:
    # binary_join_element_wise(null_handling="skip") of pyarrow 26 drops a row whose cells are all null.
    texts = movie_texts(movie_table([(None, None), ("a", None), (" ", "b "), (" a ", " b")]))
    assert texts.to_pylist() == ["[empty]", "a", "b", "a b"]
    assert count_texts(texts) == {"movies": 4, "nonempty": 3, "nonempty_fraction": 0.75}


def test_count_texts_of_no_movie_is_zero() -> None:
    counts = count_texts(pa.chunked_array([], pa.string()))
    assert counts == {"movies": 0, "nonempty": 0, "nonempty_fraction": 0.0}
