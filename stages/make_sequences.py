"""Stage make_sequences: sort the ratings of each user by time and split them into targets."""

from __future__ import annotations

from reelgraph.core.schemas.tables import open_catalog, open_ratings
from reelgraph.core.table_engine import connect
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.build import build_histories, summary_statistics, warn_of_ties
from reelgraph.sequences.dataset import write_histories
from reelgraph.sequences.ordering import write_source_user_ids


def main(params: MakeSequencesParams) -> str:
    """Build the histories from both tables; write them and their counts."""
    connection = connect(params.engine)
    ratings = open_ratings(connection, "data/ratings.parquet")
    movies = open_catalog(connection, "data/movies.parquet")
    histories = build_histories(ratings, movies, params.sequences)
    counts = summary_statistics(histories)
    write_histories(histories, "data/sequences")
    write_source_user_ids(ratings, "data/sequences")
    write_json(counts, "data/counts/sequences.json")
    return (
        f"{counts['users']:,} users, {counts['length_mean']:.1f} ratings each; targets "
        f"{counts['targets_train']:,} train, "
        f"{counts['targets_val']:,} validation, {counts['targets_test']:,} test{warn_of_ties(histories)}"
    )


if __name__ == "__main__":
    run_stage("make_sequences", MakeSequencesParams, main)
