"""Stage filter: the catalogue's rated movies → data/movies.parquet, counts → data/counts/filter.json."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.table_engine import connect
from reelgraph.params.data import FilterParams
from reelgraph.runtime import stage_runner
from reelgraph.runtime.atomic_io import write_json, write_parquet
from reelgraph.sources.filtering import filter_movies


def main(params: FilterParams) -> str:
    """Filter, then write; return the summary."""
    connection = connect(params.engine)
    found = filter_movies(connection, Path("data/catalog.parquet"), Path("data/ratings.parquet"))
    write_parquet(found.movies, "data/movies.parquet")
    write_json(found.counts, "data/counts/filter.json")
    return summary(found.counts)


def summary(counts: dict) -> str:
    """Say what was kept and what was dropped."""
    dropped = counts["dropped"]
    return (
        f"{counts['movies_after']:,} movies, {counts['ratings_after']:,} ratings, {counts['users']:,} users"
        f" (dropped: {dropped['movies_unrated']:,} movies without ratings,"
        f" {dropped['ratings_outside_catalog']:,} ratings of movies outside the catalogue)"
    )


if __name__ == "__main__":
    stage_runner.run_stage("filter", FilterParams, main)
