"""Stage filter: keep the movies of the catalogue that have ratings."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.table_engine import connect
from reelgraph.params.data import FilterParams
from reelgraph.runtime.atomic_io import write_json, write_parquet
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sources.filtering import filter_movies


def main(params: FilterParams) -> str:
    """Write the movies with ratings and the counts of what was dropped."""
    connection = connect(params.engine)
    filtered = filter_movies(connection, Path("data/catalog.parquet"), Path("data/ratings.parquet"))
    write_parquet(filtered.movies, "data/movies.parquet")
    write_json(filtered.counts, "data/counts/filter.json")
    return summary(filtered.counts)


def summary(counts: dict) -> str:
    """Return the summary line: how many rows were kept and dropped."""
    dropped = counts["dropped"]
    return (
        f"{counts['movies_after']:,} movies, {counts['ratings_after']:,} ratings, {counts['users']:,} users"
        f" (dropped: {dropped['movies_unrated']:,} movies without ratings,"
        f" {dropped['ratings_outside_catalog']:,} ratings of movies outside the catalogue)"
    )


if __name__ == "__main__":
    run_stage("filter", FilterParams, main)
