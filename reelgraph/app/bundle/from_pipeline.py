"""A bundle's contents, collected from the pipeline's outputs in data/."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import BundleContents, make_config
from reelgraph.core.schemas.movies import read_movies, read_source_movie_ids
from reelgraph.core.schemas.vectors import align_to, read_map_layout, read_vectors
from reelgraph.params.base import PARAMS_FILE, load
from reelgraph.params.data import IngestParams
from reelgraph.rankers.registry import SERVED
from reelgraph.raters.io import read_rater_config
from reelgraph.runtime.atomic_io import read_json
from reelgraph.sequences.dataset import read_histories
from reelgraph.sources import movielens_files
from reelgraph.sources.titles import titles_by_movie

NO_GENRE = ("", "(no genres listed)", "unknown")
"""Names in MovieLens' lists of genres that are none."""


def collect_contents(data: Path | str = "data", movielens: Path | None = None) -> BundleContents:
    """Collect a bundle's contents from the outputs of the pipeline.

    Args:
        data: the pipeline's data folder.
        movielens: a MovieLens data set with the same movie ids, by default that of params.yaml. It provides
            English titles, alternative titles and, in links.csv, the ids at IMDb and TMDB.

    Raises:
        ArtifactError: a stage has not run, or its files are inconsistent.
        InputError: ``movielens`` is not a MovieLens data set.
    """
    folder = Path(data)
    rater = read_rater_config(str(folder / "model"))
    movies = read_movies(folder / "movies.parquet")
    ids = movies["movie_id"].to_numpy()
    paths = {
        "text": folder / "text_vectors.parquet",
        "graph": folder / f"emb_{rater.model.embedding}.parquet",
    }
    vectors = {name: align_to(ids, *read_vectors(path), path) for name, path in paths.items()}
    results: dict[str, object] = dict(read_json(folder / "model" / "test_results.json"))
    table = movies.rename_columns(["movieId", *movies.column_names[1:]])
    table = add_titles(table, movielens or movielens_from_params())
    table = add_source_ids(table, folder / "movies.parquet")
    histories = read_histories(folder / "sequences")
    is_training = histories.mask_before(histories.fit_end("train"))
    rating_counts = np.bincount(histories.movie_row[is_training], minlength=len(ids))
    table = table.append_column("ratings", pa.array(rating_counts.astype(np.int64)))
    table = add_map_coordinates(table, folder / "map.parquet")
    ranker = folder / "ranker" / SERVED
    return BundleContents(
        catalog=MovieCatalog(table),
        vectors=vectors,
        config=make_config(rater, len(ids)),
        weights=folder / "model" / "model.safetensors",
        ranker=ranker if ranker.is_dir() else None,
        card=(folder / "model" / "README.md").read_text(encoding="utf-8"),
        results=results,
    )


def add_titles(table: pa.Table, folder: Path | None) -> pa.Table:
    """Append title, alternative titles, genres, and ids at IMDb and TMDB from a MovieLens data set.

    Args:
        table: movies with ``movieId``.
        folder: the data set; None appends nulls and empty lists.
    """
    titles: dict[int, tuple[str, list[str]]] = {}
    genres: dict[int, list[str]] = {}
    ids: dict[int, tuple[int | None, int | None]] = {}
    if folder is not None:
        files = movielens_files.find_movielens_files(folder)
        movielens_movies = files.read_movies()
        titles = titles_by_movie(movielens_movies)
        genres = genres_by_movie(movielens_movies)
        links = files.read_links()
        if links is not None:
            ids = {movie: (imdb, tmdb) for movie, imdb, tmdb in zip(*links.to_pydict().values(), strict=True)}
    movies = table["movieId"].to_pylist()
    no_titles: tuple[str | None, list[str]] = (None, [])
    movie_titles = [titles.get(movie, no_titles) for movie in movies]
    movie_ids = [ids.get(movie, (None, None)) for movie in movies]
    columns = {
        "title": pa.array([title for title, _ in movie_titles], pa.string()),
        "other_titles": pa.array([alternatives for _, alternatives in movie_titles], pa.list_(pa.string())),
        "other_genres": pa.array([genres.get(movie, []) for movie in movies], pa.list_(pa.string())),
        "imdb_id": pa.array([imdb for imdb, _ in movie_ids], pa.int64()),
        "tmdb_id": pa.array([tmdb for _, tmdb in movie_ids], pa.int64()),
    }
    for name, column in columns.items():
        table = table.append_column(name, column)
    return table


def add_source_ids(table: pa.Table, path: Path) -> pa.Table:
    """Append the movies' ids as text in the source, which movies.parquet has; null if they are numbers."""
    ids = read_source_movie_ids(path)
    column = pa.nulls(len(table), pa.string()) if ids is None else ids["source_movie_id"]
    return table.append_column("source_movie_id", column)


def genres_by_movie(movies: pa.Table) -> dict[int, list[str]]:
    """Return the genres of each movie id.

    Args:
        movies: movieId and genres such as ``Crime|Drama``, as in MovieLens' files.
    """
    rows = zip(movies["movieId"].to_pylist(), movies["genres"].to_pylist(), strict=True)
    return {
        movie: [name for cell in (genres or "").split("|") if (name := cell.strip()) not in NO_GENRE]
        for movie, genres in rows
    }


def add_map_coordinates(table: pa.Table, path: Path) -> pa.Table:
    """Append each movie's place on the map.

    Raises:
        ArtifactError: the map is of other movies.
    """
    layout = read_map_layout(path)
    coordinates = np.stack([layout.x, layout.y], axis=1)
    aligned = align_to(table["movieId"].to_numpy(), layout.movie_ids, coordinates, path)
    for name, column in zip("xy", aligned.T, strict=True):
        table = table.append_column(name, pa.array(column))
    return table


def movielens_from_params() -> Path | None:
    """Return the MovieLens folder of params.yaml; None if it reads another source or does not exist."""
    if not Path(PARAMS_FILE).is_file():
        return None
    data = load(IngestParams).data
    return Path(data.movielens) if data.source == "movielens" else None
