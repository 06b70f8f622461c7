from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.runtime import atomic_io
from reelgraph.runtime.errors import ArtifactError


def test_atomic_write_keeps_the_old_file_when_the_body_fails(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")

    def write_partially() -> None:
        with atomic_io.atomic_write(tmp_path / "a.txt") as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_partially()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_advance_mtime_sets_a_later_second(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic_io.advance_mtime(path)
    assert not path.exists()
    path.write_text("text")
    written = path.stat().st_mtime
    atomic_io.advance_mtime(path)
    assert int(path.stat().st_mtime) > int(written)
    assert path.read_text() == "text"


def test_write_arrays_replaces_the_folder(tmp_path: Path) -> None:
    atomic_io.write_arrays({"a": np.arange(3), "b": np.arange(2)}, tmp_path / "f")
    atomic_io.write_arrays({"a": np.arange(4)}, tmp_path / "f")
    assert [p.name for p in (tmp_path / "f").iterdir()] == ["a.npy"]
    assert atomic_io.read_array(tmp_path / "f" / "a.npy").tolist() == [0, 1, 2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_write_parquet_gives_the_same_bytes_for_any_batches(tmp_path_factory, sizes: list[int]) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    expected = pa.table({"x": np.arange(sum(sizes)), "y": [str(i) for i in range(sum(sizes))]})
    ends = np.cumsum(sizes)
    parts = [expected.slice(end - size, size) for size, end in zip(sizes, ends, strict=True)]
    batches = [part.combine_chunks().to_batches()[0] for part in parts]
    monkey = pytest.MonkeyPatch()
    monkey.setattr(atomic_io, "ROW_GROUP", 16)
    assert atomic_io.write_parquet(expected, folder / "a.parquet") == sum(sizes)
    atomic_io.write_parquet(iter(batches), folder / "b.parquet", expected.schema)
    monkey.undo()
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()
    assert pq.read_table(folder / "a.parquet").equals(expected)


def test_write_json_sorts_keys_by_default(tmp_path: Path) -> None:
    values = {"b": 1, "a": {"d": 2, "c": 3}}
    atomic_io.write_json(values, tmp_path / "sorted.json")
    atomic_io.write_json(values, tmp_path / "given.json", sort_keys=False)
    assert list(atomic_io.read_json(tmp_path / "sorted.json")["a"]) == ["c", "d"]
    assert list(atomic_io.read_json(tmp_path / "given.json")["a"]) == ["d", "c"]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_read_json_error_names_the_file_and_the_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"m\.json: expected a JSON object.*dvc repro"):
        atomic_io.read_json(tmp_path / "m.json")


@pytest.mark.parametrize("array", [np.array(3.5), np.arange(6).reshape(2, 3).T, np.zeros((0, 4))])
def test_save_array_keeps_the_shape(array: np.ndarray, tmp_path: Path) -> None:
    atomic_io.save_array(array, tmp_path / "array.npy")
    loaded = atomic_io.read_array(tmp_path / "array.npy")
    assert loaded.shape == array.shape
    np.testing.assert_array_equal(loaded, array)


def test_read_array_rejects_a_pickle(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ArtifactError, match=r"\.npy array of numbers"):
        atomic_io.read_array(tmp_path / "a.npy")
    with pytest.raises(ArtifactError, match="no file"):
        atomic_io.read_array(tmp_path / "b.npy")
