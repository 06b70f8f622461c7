"""Stage make_sequences: ratings and movies → data/sequences/."""

from __future__ import annotations

from reelgraph.core.table_engine import connect
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.tables import open_catalog, open_ratings
from reelgraph.sequences.build import build_histories, summary_statistics
from reelgraph.sequences.dataset import write_histories


def main(params: MakeSequencesParams) -> str:
    """Read both tables, make the histories, write them and their counts."""
    connection = connect(params.engine)
    ratings = open_ratings(connection, "data/ratings.parquet")
    movies = open_catalog(connection, "data/movies.parquet")
    histories = build_histories(ratings, movies, params.sequences)
    found = summary_statistics(histories)
    write_histories(histories, "data/sequences")
    write_json(found, "data/counts/sequences.json")
    return (
        f"{found['users']:,} users, {found['length_mean']:.1f} ratings each; targets "
        f"{found['targets_train']:,} train, "
        f"{found['targets_val']:,} validation, {found['targets_test']:,} test"
    )


if __name__ == "__main__":
    run_stage("make_sequences", MakeSequencesParams, main)
