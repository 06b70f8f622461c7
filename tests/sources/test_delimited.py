from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.runtime.errors import InputError
from reelgraph.sources.delimited import DelimitedFile, read_batches, read_table

COLUMNS = {"movieId": pa.int64(), "title": pa.string()}
TITLES = st.text(
    st.characters(codec="latin-1", exclude_categories=["C"], exclude_characters=':"'), min_size=1
)


@given(titles=st.lists(TITLES, min_size=1), block_bytes=st.integers(1, 40), header=st.booleans())
def test_read_table_does_not_depend_on_blocks(
    tmp_path_factory: pytest.TempPathFactory, titles: list[str], block_bytes: int, header: bool
) -> None:
    path = tmp_path_factory.mktemp("delimited") / "movies.dat"
    lines = [f"{number}::{title}\n" for number, title in enumerate(titles)]
    lines = ["movieId::title\n", *lines] if header else lines
    path.write_bytes("".join(lines).encode("latin-1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reelgraph.sources.delimited.BLOCK_BYTES", block_bytes + 2 * max(map(len, lines)))
        table = read_table(DelimitedFile(path, COLUMNS, "::", () if header else tuple(COLUMNS), "latin-1"))
    assert table.to_pylist() == [{"movieId": i, "title": title} for i, title in enumerate(titles)]


def test_read_batches_skips_a_block_of_blank_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "movies.dat"
    path.write_text("1::A\n" + "\n" * 40 + "2::B\nx::C\n")
    monkeypatch.setattr("reelgraph.sources.delimited.BLOCK_BYTES", 5)
    batches = read_batches(DelimitedFile(path, COLUMNS, "::", tuple(COLUMNS)))
    assert [next(batches).to_pylist()[0]["title"] for _ in range(2)] == ["A", "B"]
    with pytest.raises(InputError, match=r"line 43, column movieId: expected a whole number"):
        next(batches)
