from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv as pc
import pytest

from reelgraph.runtime.errors import InputError
from reelgraph.sequences.dataset import write_histories
from tests.helpers.history_strategies import SPLITS, random_histories
from tools import export_split

MOVIES = 40
IDS = 100 + 3 * np.arange(MOVIES)


@pytest.mark.parametrize("split", SPLITS)
def test_main_writes_each_part_of_the_split(
    split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = random_histories(1, 15, MOVIES, 30, split)
    (tmp_path / "data").mkdir()
    write_histories(histories, tmp_path / "data/sequences")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(export_split, "read_movie_ids", lambda path: IDS)
    export_split.main("out")
    ratings = pc.read_csv("out/ratings.csv")
    assert ratings.num_rows == len(histories.movie_row)
    assert ratings["movieId"].to_pylist() == IDS[histories.movie_row].tolist()
    assert ratings["is_target"].to_numpy().sum() == sum(
        len(targets) for targets in (histories.train, histories.val, histories.test)
    )
    user = histories.user_id[histories.users_of(histories.test)]
    options = pc.ParseOptions(delimiter="\t")
    test = pc.read_csv("out/recbole/recbole.test.inter", parse_options=options)
    assert test.column_names == ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    assert test["user_id:token"].to_pylist() == user.tolist()
    assert test["rating:float"].to_pylist() == (histories.half_star_code[histories.test] / 2).tolist()
    assert test["timestamp:float"].to_pylist() == histories.timestamp[histories.test].tolist()
    train = pc.read_csv("out/recbole/recbole.train.inter", parse_options=options)
    assert train.num_rows == int((histories.train_end - histories.offsets[:-1]).sum())
    valid = pc.read_csv("out/recbole/recbole.valid.inter", parse_options=options)
    assert valid.num_rows == len(histories.val)
    export_split.main("out")


def test_main_replaces_no_folder_with_other_files(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    for folder in (tmp_path, thesis):
        with pytest.raises(InputError, match="a new or empty folder"):
            export_split.main(str(folder))
    assert thesis.read_text() == "years of work"
