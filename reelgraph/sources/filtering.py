"""Stage filter: keeps the rated movies of the catalogue, and counts what was dropped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.rating_scale import N_CODES, STAR_STEP
from reelgraph.core.schemas.tables import CATALOG, open_catalog, open_ratings
from reelgraph.core.table_engine import collect
from reelgraph.runtime.atomic_io import Json
from reelgraph.runtime.errors import InputError


@dataclass(frozen=True)
class FilteredMovies:
    """The rated movies, and counts of movies, ratings and users."""

    movies: pa.Table
    """Columns of the catalogue, ordered by movieId."""
    counts: dict[str, Json]


def filter_movies(connection: BaseBackend, catalog_path: Path, ratings_path: Path) -> FilteredMovies:
    """Keep the catalogue's movies that occur in the ratings.

    Raises:
        ArtifactError: a file of stage ingest is missing or has other columns.
        InputError: no rated movie is in the catalogue.
    """
    catalog = open_catalog(connection, catalog_path)
    ratings = open_ratings(connection, ratings_path)
    by_star = collect(_by_star(ratings.semi_join(catalog, "movie_id")), str(ratings_path))
    contract = CATALOG.with_optional(catalog.columns)
    movies = collect(contract.to_file(rated_movies(catalog, ratings)), str(catalog_path))
    totals = collect(_totals(catalog, ratings), str(ratings_path)).to_pylist()[0]
    if not len(movies):
        raise InputError(str(ratings_path), "ratings of movies in the catalogue",
                         f"none: {totals['ratings']:,} ratings, all of other movies than the catalogue's "
                         f"{totals['movies']:,}",
                         "Provide ratings and a catalogue with the same movieIds.")  # fmt: skip
    return FilteredMovies(movies.cast(contract.file_schema), _counts(by_star, totals, len(movies)))


def rated_movies(catalog: ir.Table, ratings: ir.Table) -> ir.Table:
    """Return the movies of the catalogue that occur in the ratings, by movie_id."""
    return catalog.semi_join(ratings.select("movie_id").distinct(), "movie_id").order_by("movie_id")


def _by_star(ratings: ir.Table) -> ir.Table:
    code = (ratings.rating / STAR_STEP).round().cast("int64")
    return ratings.group_by(code=code).aggregate(ratings=ratings.count())


def _totals(catalog: ir.Table, ratings: ir.Table) -> ir.Table:
    """Return one row: movies, ratings, and users who rated a movie of the catalogue."""
    users = ratings.semi_join(catalog, "movie_id").user_id.nunique().as_scalar()
    movies = catalog.count().as_scalar()
    return ratings.aggregate(ratings=ratings.count()).mutate(users=users, movies=movies)


def _counts(by_star: pa.Table, totals: dict[str, int], movies_after: int) -> dict[str, Json]:
    stars = dict(zip(by_star["code"].to_pylist(), by_star["ratings"].to_pylist(), strict=True))
    after = sum(stars.values())
    return {
        "movies_before": totals["movies"],
        "movies_after": movies_after,
        "ratings_before": totals["ratings"],
        "ratings_after": after,
        "users": totals["users"],
        "ratings_by_star": {_star(code): stars.get(code, 0) for code in range(1, N_CODES + 1)},
        "dropped": {
            "ratings_outside_catalog": totals["ratings"] - after,
            "movies_unrated": totals["movies"] - movies_after,
        },
    }


def _star(code: int) -> str:
    """Return a key for a half-star code, such as ``3_5``; a dot would nest the metrics."""
    return f"{code * STAR_STEP:.1f}".replace(".", "_")
