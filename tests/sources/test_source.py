"""The contract of all registered data sources."""

from __future__ import annotations

import csv
import io
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas import tables as contracts
from reelgraph.params.data import Data, IngestParams
from reelgraph.sources.ingest import ingest
from reelgraph.sources.movielens_files import GENRES_100K
from tests.helpers.source_files import LATEST, catalog_table, ingest_params, ratings_table, write_files

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
        assert catalog.schema == contracts.CATALOG.file_schema
        assert ratings.schema == contracts.RATINGS.file_schema
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


MOVIES = {
    1: ("Heat", 1995, ["Crime", "Drama"]),
    3: ("Alien", 1979, ["Horror"]),
    7: ("Amélie", 2001, ["Comedy"]),
}
"""movieId → title, year, genres."""

RATINGS = [(1, 3, 4.0, 978300760), (1, 7, 2.0, 978300700), (2, 1, 5.0, 978300800), (2, 7, 1.0, 978300800)]
"""userId, movieId, stars, seconds; whole stars, which all formats have."""


def neutral_tables() -> dict[str, pa.Table]:
    """The movies and ratings as tables: the overview is that of movies without TMDB's metadata."""
    columns = {
        "movieId": list(MOVIES),
        "original_title": [title for title, _, _ in MOVIES.values()],
        "overview": [f"{title}, of {year}. {', '.join(genres)}." for title, year, genres in MOVIES.values()],
        "genre_1": [genres[0] for _, _, genres in MOVIES.values()],
        "genre_2": ["Drama", None, None],
        "release_year": [year for _, year, _ in MOVIES.values()],
    }
    return {"catalog": catalog_table(**columns), "ratings": ratings_table(RATINGS)}


def delimited_lines(rows: list[tuple], delimiter: str, header: str = "") -> str:
    lines = [delimiter.join(map(str, row)) for row in rows]
    return "\n".join([header, *lines] if header else lines) + "\n"


def movie_rows() -> list[tuple]:
    return [(movie, f"{title} ({year})", "|".join(genres)) for movie, (title, year, genres) in MOVIES.items()]


def write_latest(folder: Path) -> IngestParams:
    files = {"ratings.csv": delimited_lines(RATINGS, ",", "userId,movieId,rating,timestamp"),
             "movies.csv": delimited_lines(movie_rows(), ",", "movieId,title,genres")}  # fmt: skip
    return ingest_params("movielens", movielens=str(write_files(folder / "ml", files)))


def write_kaggle_20m(folder: Path) -> IngestParams:
    dated = [
        (*row, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")) for *row, second in RATINGS
    ]
    files = {"rating.csv": delimited_lines(dated, ",", '"userId","movieId","rating","timestamp"'),
             "movie.csv": delimited_lines(movie_rows(), ",", '"movieId","title","genres"')}  # fmt: skip
    return ingest_params("movielens", movielens=str(write_files(folder / "ml", files)))


def write_1m(folder: Path) -> IngestParams:
    files = {"ratings.dat": delimited_lines(RATINGS, "::"), "movies.dat": delimited_lines(movie_rows(), "::")}
    return ingest_params("movielens", movielens=str(write_files(folder / "ml", files, "latin-1")))


def write_100k(folder: Path) -> IngestParams:
    items = [(movie, title, f"01-Jan-{title[-5:-1]}", "", "", *(int(name in genres.split("|")) for name in GENRES_100K))
             for movie, title, genres in movie_rows()]  # fmt: skip
    files = {"u.data": delimited_lines(RATINGS, "\t"), "u.item": delimited_lines(items, "|")}
    return ingest_params("movielens", movielens=str(write_files(folder / "ml", files, "latin-1")))


def write_the_movies_dataset(folder: Path) -> IngestParams:
    links = [(movie, 1000 + movie, f"{100 + movie}.0") for movie in MOVIES]
    metadata = [[100 + movie, title, f"{title}, of {year}. {', '.join(genres)}.", str([{"name": genre} for genre in genres]),
                 f"{year}-01-01"] for movie, (title, year, genres) in MOVIES.items()]  # fmt: skip
    text = io.StringIO()
    csv.writer(text).writerows([("id", "original_title", "overview", "genres", "release_date"), *metadata])
    files = {"ratings.csv": delimited_lines(RATINGS, ",", "userId,movieId,rating,timestamp"),
             "links.csv": delimited_lines(links, ",", "movieId,imdbId,tmdbId"),
             "movies_metadata.csv": text.getvalue()}  # fmt: skip
    return ingest_params("movielens", movielens=str(write_files(folder / "ml", files)))


def write_tmdb_v11(folder: Path) -> IngestParams:
    """MovieLens' titles and ratings, with all metadata from a TMDB file whose lists commas separate."""
    params = write_latest(folder)
    rows = [(movie, title, f"{title}, of {year}. {', '.join(genres)}.", ", ".join(genres), f"{year}-01-01")
            for movie, (title, year, genres) in MOVIES.items()]  # fmt: skip
    text = io.StringIO()
    csv.writer(text).writerows([("id", "original_title", "overview", "genres", "release_date"), *rows])
    tmdb = write_files(folder / "tmdb", {"TMDB_movie_dataset_v11.csv": text.getvalue()})
    return ingest_params("movielens", movielens=params.data.movielens, tmdb=str(tmdb))


def write_csv_tables(folder: Path) -> IngestParams:
    tables = neutral_tables()
    scaled = tables["ratings"].set_column(2, "rating", pc.multiply(tables["ratings"]["rating"], 2))
    in_milliseconds = scaled.set_column(3, "timestamp", pc.multiply(scaled["timestamp"], 1000))
    for name, table in {"catalog": tables["catalog"], "ratings": in_milliseconds}.items():
        pa_csv.write_csv(table, folder / f"{name}.csv")
    return ingest_params(
        "tables", catalog=str(folder / "catalog.csv"), ratings=str(folder / "ratings.csv"), scale="0-10"
    )


FORMATS: dict[str, tuple[str, Callable[[Path], IngestParams]]] = {
    "latest": ("movielens", write_latest),
    "Kaggle's 20M": ("movielens", write_kaggle_20m),
    "1M": ("movielens", write_1m),
    "100K": ("movielens", write_100k),
    "The Movies Dataset": ("movielens", write_the_movies_dataset),
    "TMDB of 930,000 movies": ("movielens", write_tmdb_v11),
    "CSV": ("tables", write_csv_tables),
}
"""Format → source, and a function that writes the neutral tables in it and returns the params that read them."""


def test_formats_cover_all_sources() -> None:
    """The demo reads no files; ``test_tables_read_the_result_unchanged`` compares it with tables."""
    assert {source for source, _ in FORMATS.values()} == set(SOURCES) - {"demo"}


@pytest.mark.parametrize("name", FORMATS)
def test_ingest_gives_the_same_tables_for_every_format(name: str, tmp_path: Path) -> None:
    for table_name, table in neutral_tables().items():
        pq.write_table(table, tmp_path / f"{table_name}.parquet")
    paths = {table_name: str(tmp_path / f"{table_name}.parquet") for table_name in ("catalog", "ratings")}
    expected = read(ingest_params("tables", **paths), tmp_path)
    for table, expected_table in zip(read(FORMATS[name][1](tmp_path), tmp_path), expected, strict=True):
        assert table.to_pylist() == expected_table.to_pylist()
        assert table.schema == expected_table.schema
