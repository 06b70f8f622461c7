from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.table_engine import collect, connect, read_parquet, stream
from reelgraph.params.data import Engine
from reelgraph.runtime.errors import InputError, PackageError

SCHEMA = pa.schema({"a": pa.int64(), "s": pa.string()})


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a b[1]{c}?*.parquet"
    pq.write_table(pa.table({"s": ["x", None, "é\0"], "a": [3, 1, 2]}), path)
    return path


def test_stream_selects_casts_and_keeps_order(duckdb_engine, folder):
    table = read_parquet(duckdb_engine, folder)
    rows = pa.Table.from_batches(stream(table.order_by("a"), SCHEMA)).to_pydict()
    assert rows == {"a": [1, 2, 3], "s": [None, "é\0", "x"]}


def test_collect_of_an_empty_result_has_all_columns(duckdb_engine, folder):
    table = read_parquet(duckdb_engine, folder)
    assert collect(table.filter(table.a > 5), "x").column_names == ["s", "a"]


def test_read_parquet_accepts_relative_paths_and_folders(duckdb_engine, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert collect(read_parquet(duckdb_engine, folder.name).count().as_table(), "x").num_rows == 1
    assert collect(read_parquet(duckdb_engine, "."), "x").num_rows == 3


def test_read_parquet_error_names_a_missing_file(duckdb_engine):
    with pytest.raises(InputError, match="/no/such.parquet: expected a parquet file, got no such file"):
        read_parquet(duckdb_engine, "/no/such.parquet")


def test_collect_reports_too_little_memory(tmp_path):
    small = connect(Engine(backend="duckdb", url="", memory_mb=64))
    small.raw_sql("SET temp_directory=''")
    pq.write_table(pa.table({"a": range(5_000_000)}), tmp_path / "x.parquet")
    table = read_parquet(small, tmp_path / "x.parquet")
    with pytest.raises(PackageError, match=r"the sums.*engine\.memory_mb"):
        collect(table.group_by("a").aggregate(n=table.count()), "the sums")
