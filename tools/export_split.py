"""Writes the split of the last run for other libraries: ``python -m tools.export_split FOLDER``.

FOLDER/ratings.csv has all ratings. FOLDER/recbole/ has RecBole's atomic files of the training rows, and of
the targets of validation and test; it is a dataset named ``recbole``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from jaxtyping import Bool

from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.runtime.atomic_io import atomic_write
from reelgraph.runtime.errors import InputError, ReelgraphError
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings

ATOMIC_COLUMNS = {
    "userId": "user_id:token",
    "movieId": "item_id:token",
    "rating": "rating:float",
    "timestamp": "timestamp:float",
}
"""Columns of ratings.csv, and their names with types in RecBole's files."""
ATOMIC_PARTS = {"train": "train", "val": "valid", "test": "test"}
"""Parts of the split, and RecBole's names of them."""


def split_table(histories: UserHistories, movie_id: np.ndarray) -> pa.Table:
    """Return userId, movieId, rating, timestamp, part and is_target of all ratings, in their order."""
    index = np.arange(len(histories.movie_row))
    is_target = np.zeros(len(index), bool)
    for targets in (histories.train, histories.val, histories.test):
        is_target[targets] = True
    later = np.where(histories.mask_before(histories.val_end), "val", "test")
    part = np.where(histories.mask_before(histories.train_end), "train", later)
    columns = {
        "userId": histories.user_id[histories.users_of(index)],
        "movieId": movie_id[histories.movie_row],
        "rating": star_ratings(histories, index),
        "timestamp": histories.timestamp,
        "part": part,
        "is_target": is_target.astype(np.int8),
    }
    return pa.table(columns)


def atomic_rows(table: pa.Table, part: str) -> Bool[np.ndarray, " ratings"]:
    """Return the rows of RecBole's file of a part: all training rows, or the targets of another part."""
    in_part = table["part"].to_numpy() == part
    return in_part if part == "train" else in_part & (table["is_target"].to_numpy() == 1)


def main(folder: str) -> None:
    """Write the files to a new folder, or in place of an earlier split.

    Raises:
        InputError: the folder has other files.
        ArtifactError: the pipeline has not run.
    """
    present = {path.name for path in Path(folder).iterdir()} if Path(folder).is_dir() else set()
    if Path(folder).is_file() or not present <= {"ratings.csv", "recbole"}:
        raise InputError(folder, "a new or empty folder, or a split to replace", "other files",
                         "Choose another folder.")  # fmt: skip
    movie_id = read_movie_ids("data/movies.parquet")
    table = split_table(read_histories("data/sequences", len(movie_id)), movie_id)
    plain = pc.WriteOptions(quoting_style="none")
    tabs = pc.WriteOptions(delimiter="\t", quoting_style="none")
    with atomic_write(Path(folder)) as path:
        (path / "recbole").mkdir(parents=True)
        pc.write_csv(table, path / "ratings.csv", plain)
        atomic = table.select(list(ATOMIC_COLUMNS)).rename_columns(list(ATOMIC_COLUMNS.values()))
        for part, name in ATOMIC_PARTS.items():
            rows = atomic.filter(pa.array(atomic_rows(table, part)))
            pc.write_csv(rows, path / "recbole" / f"recbole.{name}.inter", tabs)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument, the folder to write")
    try:
        main(sys.argv[1])
    except ReelgraphError as error:
        sys.exit(str(error))
