"""Readers as functions of bytes: each returns, or refuses as reelgraph does; all else is a find."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.rating_imports.matching import match_ratings
from reelgraph.app.rating_imports.ratings_file import parse_ratings_file
from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.records import Examples, read_record
from reelgraph.core.schemas.tables import RATINGS
from reelgraph.core.schemas.vectors import read_vectors, write_vectors
from reelgraph.core.table_engine import connect
from reelgraph.graph.fasttext_file import sentence_vectors
from reelgraph.params.base import load
from reelgraph.params.data import Engine
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.report.inputs import read_curve
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.runtime.safetensors_io import read_tensors
from reelgraph.sequences.dataset import read_histories, write_histories
from reelgraph.sources import titles
from reelgraph.sources.json_lists import JsonListParser
from reelgraph.sources.movielens import read_movielens
from reelgraph.sources.source import Staging, open_source
from reelgraph.sources.tmdb_files import find_tmdb_files
from tests.app.test_archives import zip_files
from tests.helpers.bundle_samples import sample_catalog
from tests.helpers.history_strategies import random_histories
from tests.helpers.source_files import LATEST, ML_1M, ML_100K, catalog_table, ingest_params, ratings_table

FOLDER = Path(tempfile.mkdtemp(prefix="reelgraph-fuzz-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
ENGINE = connect(Engine(backend="duckdb", url="local[2]", memory_mb=500))
CATALOG = sample_catalog(30)
TITLES = TitleIndex(CATALOG)
HISTORIES = random_histories(0, 2, 9, 14)


def import_ratings(data: bytes) -> object:
    return match_ratings(parse_ratings_file(data, "ratings"), CATALOG, TITLES)


Target = Callable[[bytes], None]


def refusing(read: Callable[[bytes], object]) -> Target:
    """Let a reader refuse."""

    def target(data: bytes) -> None:
        with contextlib.suppress(ReelgraphError):
            read(data)

    return target


def write_input(name: str, data: bytes) -> Path:
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def movielens_with(files: dict[str, str], name: str) -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        folder = f"{name}_files"
        for other, text in files.items():
            write_input(f"{folder}/{other}", text.encode())
        write_input(f"{folder}/{name}", data)
        (FOLDER / "none").mkdir(exist_ok=True)
        (FOLDER / "scratch").mkdir(exist_ok=True)
        source = read_movielens(Staging(ENGINE, FOLDER / "scratch"), FOLDER / folder, FOLDER / "none")
        return RATINGS.validate(source.ratings, source.ratings_location, source.locate_rating)

    return read


def tmdb(data: bytes) -> object:
    write_input("tmdb/movies_metadata.csv", data)
    (files,) = find_tmdb_files(FOLDER / "tmdb")
    return files.catalog_columns(files.read_movies())


def cells(data: bytes) -> object:
    text = pa.array([data.decode("utf-8", "replace")])
    read = JsonListParser()
    return read.names(text, 2), read.cast(text, 3), read.crew(text)


def title(data: bytes) -> object:
    parsed = titles.split_titles(pa.array([data.decode("utf-8", "replace")]))
    return titles.normalize_titles(parsed["name"])


def histories(data: bytes) -> object:
    write_histories(HISTORIES, FOLDER / "sequences")
    name, _, content = data.partition(b"|")
    names = sorted(path.name for path in (FOLDER / "sequences").iterdir())
    write_input(f"histories/{names[len(name) % len(names)]}", content)
    return read_histories(FOLDER / "sequences", 9)


def read_ratings_table(data: bytes) -> object:
    write_input("c.parquet", SEEDS["movies_table"][0])
    params = ingest_params(
        "tables", catalog=str(FOLDER / "c.parquet"), ratings=str(write_input("r.parquet", data))
    )
    source = open_source(params, Staging(ENGINE, FOLDER))
    return RATINGS.validate(source.ratings, source.ratings_location).count().to_pyarrow()


TARGETS: dict[str, Target] = {
    name: refusing(read)
    for name, read in {
        "params": lambda data: load(TrainRaterParams, write_input("params.yaml", data)),
        "ratings_csv": movielens_with(LATEST, "ratings.csv"),
        "movies_csv": movielens_with(LATEST, "movies.csv"),
        "links_csv": movielens_with(LATEST, "links.csv"),
        "movies_dat": movielens_with(ML_1M, "movies.dat"),
        "u_item": movielens_with(ML_100K, "u.item"),
        "tmdb_csv": tmdb,
        "tmdb_cell": cells,
        "title": title,
        "ratings_table": read_ratings_table,
        "movies_table": lambda data: read_movies(write_input("movies.parquet", data)),
        "vectors": lambda data: read_vectors(write_input("vectors.parquet", data)),
        "sequences": histories,
        "weights": lambda data: read_tensors(write_input("w.safetensors", data)),
        "examples": lambda data: read_record(write_input("examples.json", data), Examples),
        "rater_config": lambda data: read_record(write_input("config.json", data), RaterConfig),
        "curve": lambda data: read_curve(write_input("curve.tsv", data)),
        "rating_export": import_ratings,
        "fasttext": lambda data: sentence_vectors(write_input("model.bin", data), ["a name", "</s>"]),
    }.items()
}


def _parquet(table: pa.Table) -> bytes:
    pq.write_table(table, FOLDER / "seed.parquet")
    return (FOLDER / "seed.parquet").read_bytes()


def _vectors() -> bytes:
    write_vectors(np.array([1, 2]), np.ones((2, 3), np.float32), FOLDER / "seed.parquet")
    return (FOLDER / "seed.parquet").read_bytes()


def _array(values: np.ndarray) -> bytes:
    np.save(FOLDER / "seed.npy", values)
    return (FOLDER / "seed.npy").read_bytes()


SEEDS: dict[str, list[bytes]] = {
    "params": [b"seed: 42\nmodel:\n  type: gp  # a rater\n  dropout: 0.1\ngp: {epochs: 20}\n"],
    "ratings_csv": [LATEST["ratings.csv"].encode()],
    "movies_csv": [LATEST["movies.csv"].encode()],
    "links_csv": [LATEST["links.csv"].encode()],
    "movies_dat": [ML_1M["movies.dat"].encode()],
    "u_item": [ML_100K["u.item"].encode("latin-1")],
    "tmdb_csv": [b"id,original_title,genres,release_date\n1,A,\"[{'name': 'B'}]\",1999-01-01\n"],
    "tmdb_cell": [b"[{'name': 'A', 'order': 1, 'job': 'Director'}]", b'[{"name": null}]'],
    "title": ["Postino, Il (a.k.a. Postman, The) (1994–1995)".encode()],
    "ratings_table": [_parquet(ratings_table([(1, 10, 4.0, 50), (2, 10, 0.5, 60)]))],
    "movies_table": [_parquet(catalog_table(movieId=[10, 20], release_year=[1990, None]))],
    "vectors": [_vectors()],
    "sequences": [b"x" * i + b"|" + _array(getattr(HISTORIES, name)) for i, name in enumerate(
        sorted(vars(HISTORIES)))],
    "weights": [],
    "examples": [b'{"best": [], "worst": [], "spread": []}'],
    "rater_config": [b'{"model": {"type": "gp"}, "gp": {"epochs": 1}}'],
    "curve": [b"epoch\tloss\n1\t0.5\n"],
    "rating_export": [
        b"Date,Name,Year,Letterboxd URI,Rating\n2024-03-01,Heat,1995,u,4.5\n3/14/2024,\"Matrix, The\",1999,u,5\n",
        "Название;Оригинальное название;Год;Оценка\nСхватка;Heat;1995;9\n".encode(),
        b'[{"rated_at": "2024-01-01T00:00:00Z", "rating": 8, "movie": {"title": "Heat", "ids": {"tmdb": 9}}}]',
        zip_files({"ratings.csv": "title,year,rating\nHeat,1995,4.5\n"}),
    ],
    "fasttext": [],
}  # fmt: skip
"""Well-formed content to start from."""
