"""The contract of all registered data sources."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.tables import CATALOG, RATINGS
from reelgraph.params.data import Data, IngestParams
from reelgraph.sources.ingest import ingest
from tests.helpers.source_files import LATEST, ingest_params, write_files

SOURCES = typing.get_args(Data.model_fields["source"].annotation)


def demo_params(folder: Path, order: int) -> IngestParams:
    return ingest_params("demo")


def movielens_params(folder: Path, order: int) -> IngestParams:
    """MovieLens files whose rows are in the given order."""
    files = {}
    for name, text in LATEST.items():
        header, *rows = text.splitlines(keepends=True)
        files[name] = "".join([header, *rows[::order]])
    return ingest_params("movielens", movielens=str(write_files(folder / "movielens", files)))


def tables_params(folder: Path, order: int) -> IngestParams:
    """Parquet files with the same data as ``movielens_params``, in the given order."""
    data = ingest(movielens_params(folder, 1), folder)
    tables = {"catalog": data.catalog, "ratings": pa.Table.from_batches(data.rating_batches())}
    for name, table in tables.items():
        pq.write_table(table.take(list(range(len(table)))[::order]), folder / f"input_{name}.parquet")
    paths = {name: str(folder / f"input_{name}.parquet") for name in tables}
    return ingest_params("tables", **paths)


PARAMS: dict[str, Callable[[Path, int], IngestParams]] = {
    "demo": demo_params,
    "movielens": movielens_params,
    "tables": tables_params,
}
"""Source → params that read it from files in a folder, with rows in their order (1) or reversed (-1)."""


def read(params: IngestParams, folder: Path) -> tuple[pa.Table, pa.Table]:
    data = ingest(params, folder)
    return data.catalog, pa.Table.from_batches(data.rating_batches())


def test_params_cover_all_sources() -> None:
    assert set(PARAMS) == set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
class TestSource:
    def test_schema_and_keys(self, source: str, tmp_path: Path) -> None:
        catalog, ratings = read(PARAMS[source](tmp_path, 1), tmp_path)
        assert catalog.schema == CATALOG.file_schema
        assert ratings.schema == RATINGS.file_schema
        assert len(set(catalog["movieId"].to_pylist())) == len(catalog) > 0
        keys = set(zip(ratings["userId"].to_pylist(), ratings["movieId"].to_pylist(), strict=True))
        assert len(keys) == len(ratings) > 0

    def test_rows_are_ordered(self, source: str, tmp_path: Path) -> None:
        catalog, ratings = read(PARAMS[source](tmp_path, 1), tmp_path)
        assert catalog.equals(catalog.sort_by("movieId"))
        order = [(name, "ascending") for name in ("userId", "timestamp", "movieId")]
        assert ratings.equals(ratings.sort_by(order))

    def test_independent_of_the_order_of_rows(self, source: str, tmp_path: Path) -> None:
        expected = read(PARAMS[source](tmp_path, 1), tmp_path)
        for table, expected_table in zip(read(PARAMS[source](tmp_path, -1), tmp_path), expected, strict=True):
            assert table.equals(expected_table)

    def test_tables_read_the_result_unchanged(self, source: str, tmp_path: Path) -> None:
        """Source tables reads the catalogue and ratings that another source returned, and returns the same."""
        expected = read(PARAMS[source](tmp_path, 1), tmp_path)
        paths = {name: str(tmp_path / f"{name}.parquet") for name in ("catalog", "ratings")}
        for table, path in zip(expected, paths.values(), strict=True):
            pq.write_table(table, path)
        for table, expected_table in zip(
            read(ingest_params("tables", **paths), tmp_path), expected, strict=True
        ):
            assert table.equals(expected_table)
