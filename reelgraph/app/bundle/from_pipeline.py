"""A bundle's contents from what the pipeline wrote under data/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import BundleContents, make_config
from reelgraph.params.base import PARAMS_FILE, load
from reelgraph.params.data import IngestParams
from reelgraph.raters.io import read_rater_config
from reelgraph.runtime.atomic_io import read_json
from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.vectors import align_to, read_map_layout, read_vectors
from reelgraph.sequences.dataset import read_histories
from reelgraph.sources import movielens_files
from reelgraph.sources.delimited import read_table
from reelgraph.sources.titles import split_titles


def collect_contents(data: Path | str = "data", movielens: Path | None = None) -> BundleContents:
    """Gather what the pipeline made.

    Args:
        data: the pipeline's folder.
        movielens: an edition of MovieLens with the same movie ids: gives titles as people know them,
            other titles, and links.csv the ids of IMDb and TMDB.

    Raises:
        ArtifactError: a stage has not run, or its files don't fit together.
        InputError: the folder has no edition of MovieLens.
    """
    place = Path(data)
    rater = read_rater_config(str(place / "model"))
    movies = read_movies(place / "movies.parquet")
    ids = movies["movie_id"].to_numpy()
    paths = {"text": place / "text_vectors.parquet", "graph": place / f"emb_{rater.model.embedding}.parquet"}
    vectors = {name: align_to(ids, *read_vectors(path), path) for name, path in paths.items()}
    placed = read_map_layout(place / "map.parquet")
    order = np.argsort(np.argsort(ids)), np.argsort(placed.movie_ids)
    table = movies.rename_columns(["movieId", *movies.column_names[1:]])
    table = add_titles(table, movielens)
    seen = np.bincount(read_histories(place / "sequences").movie_row, minlength=len(ids))
    table = table.append_column("ratings", pa.array(seen.astype(np.int64)))
    for name, axis in (("x", placed.x), ("y", placed.y)):
        table = table.append_column(name, pa.array(axis[order[1]][order[0]]))
    results: dict[str, object] = dict(read_json(place / "model" / "test_results.json"))
    return BundleContents(
        catalog=MovieCatalog(table),
        vectors=vectors,
        config=make_config(rater, len(ids)),
        weights=place / "model" / "model.safetensors",
        card=(place / "model" / "README.md").read_text(encoding="utf-8"),
        results=results,
    )


def add_titles(table: pa.Table, folder: Path | None) -> pa.Table:
    """Append title, other titles and ids elsewhere; null, and empty, where there is no edition."""
    names: dict[int, tuple[str, list[str]]] = {}
    ids: dict[int, tuple[int | None, int | None]] = {}
    if folder is not None:
        files = movielens_files.find_movielens_files(folder)
        names = _titles(files.read_movies())
        if files.links is not None:
            links = read_table(files.links).select(["movieId", "imdbId", "tmdbId"])
            ids = {movie: (imdb, tmdb) for movie, imdb, tmdb in zip(*links.to_pydict().values(), strict=True)}
    movies = table["movieId"].to_pylist()
    nameless: tuple[str | None, list[str]] = (None, [])
    said = [names.get(movie, nameless) for movie in movies]
    linked = [ids.get(movie, (None, None)) for movie in movies]
    table = table.append_column("title", pa.array([title for title, _ in said], pa.string()))
    table = table.append_column("other_titles", pa.array([other for _, other in said], pa.list_(pa.string())))
    table = table.append_column("imdb_id", pa.array([imdb for imdb, _ in linked], pa.int64()))
    return table.append_column("tmdb_id", pa.array([tmdb for _, tmdb in linked], pa.int64()))


def _titles(movies: pa.Table) -> dict[int, tuple[str, list[str]]]:
    """Return each movie's title and its others, from titles such as ``Postino, Il (Postman, The) (1994)``."""
    told = split_titles(movies["title"])
    others = pc.split_pattern(pc.coalesce(told["others"], ""), "|").to_pylist()
    each = zip(movies["movieId"].to_pylist(), told["name"].to_pylist(), others, strict=True)
    return {movie: (name, [other for other in listed if other]) for movie, name, listed in each}


def movielens_from_params() -> Path | None:
    """Return the edition of MovieLens that params.yaml reads; None where it reads others, or isn't here."""
    if not Path(PARAMS_FILE).is_file():
        return None
    data = load(IngestParams).data
    return Path(data.movielens) if data.source == "movielens" else None
