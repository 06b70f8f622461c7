"""Stage make_sequences: ratings and movies → data/histories/."""

from __future__ import annotations

from reelgraph.core.table_engine import connect
from reelgraph.params.sequences import SequencesParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.catalog import open_catalog
from reelgraph.schemas.ratings import open_ratings
from reelgraph.sequences.arrays import write_histories
from reelgraph.sequences.making import counts, make_histories


def work(params: SequencesParams) -> str:
    """Read both tables, make the histories, write them and their counts."""
    connection = connect(params.engine)
    ratings = open_ratings(connection, "data/ratings.parquet")
    movies = open_catalog(connection, "data/movies.parquet")
    histories = make_histories(ratings, movies, params.sequences)
    found = counts(histories)
    write_histories(histories, "data/histories")
    write_json(found, "data/counts/sequences.json")
    return (
        f"{found['users']:,} users, {found['length_mean']:.1f} ratings each; targets "
        f"{found['targets_train']:,} train, "
        f"{found['targets_val']:,} validation, {found['targets_test']:,} test"
    )


if __name__ == "__main__":
    run("make_sequences", SequencesParams, work)
