"""Stage make_sequences: ratings and movies → data/histories/."""

from __future__ import annotations

from reelgraph.door import run
from reelgraph.engine import connect, read_parquet
from reelgraph.files import write_json
from reelgraph.histories.arrays import write_histories
from reelgraph.histories.making import counts, make_histories
from reelgraph.params.sequences import SequencesParams
from reelgraph.schemas.catalog import CATALOG
from reelgraph.schemas.ratings import RATINGS


def work(params: SequencesParams) -> str:
    """Read both tables, make the histories, write them and their counts."""
    connection = connect(params.engine)
    ratings_file, movies_file = "data/ratings.parquet", "data/movies.parquet"
    ratings = RATINGS.checked(read_parquet(connection, ratings_file), ratings_file)
    movies = CATALOG.checked(read_parquet(connection, movies_file), movies_file)
    histories = make_histories(ratings, movies, params.sequences)
    found = counts(histories)
    write_histories(histories, "data/histories")
    write_json(found, "data/counts/sequences.json")
    return (
        f"{found['users']:,} users, {found['length_mean']:.1f} ratings each; targets "
        f"{found['targets_train']:,} train, {found['targets_val']:,} validation, {found['targets_test']:,} test"
    )


if __name__ == "__main__":
    run("make_sequences", SequencesParams, work)
