"""What all the people's ratings are worth to a few: ``python -m bench.fewer_users FOLDER [PEOPLE]``.

FOLDER is a copy that ``bench.repro --folder`` left. Its rater is trained once more, there, on the ratings of
PEOPLE (2,000) drawn at random, and both say what these people give their test movies. What counts targets and
passes comes from params.yaml: the copy's, one pass over everybody's ratings, is for more of them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.repro import write_params
from reelgraph.core.metrics import rmse
from reelgraph.core.schemas.records import read_predictions
from reelgraph.evaluation.intervals import paired_rmse_interval
from reelgraph.params.base import PARAMS_FILE
from reelgraph.runtime.yaml_loader import read_yaml

PREDICTIONS = "data/predictions.parquet"


def train_on_subset(folder: Path, users: int) -> None:
    """Run the copy's later stages with some of its people."""
    project_params: Any = read_yaml(Path(PARAMS_FILE))
    sampled = {"train_targets": project_params["sequences"]["train_targets"], "sample_users": users}
    write_params(folder / PARAMS_FILE, {"sequences": sampled, "train": project_params["train"]})
    subprocess.run(["dvc", "repro", "evaluate"], cwd=folder, check=True)


def join_predictions(subset: pa.Table, everybody: pa.Table) -> pa.Table:
    """Return the targets of ``subset``, with everybody's prediction as ``prediction_everybody``."""
    keys = ["userId", "movieId"]
    both = subset.join(everybody.drop("rating"), keys, join_type="inner", right_suffix="_everybody")
    assert len(both) == len(subset), f"{len(both)} of {len(subset)} targets are in both runs"
    return both.sort_by([(key, "ascending") for key in keys])


def main(folder: Path, users: int) -> None:
    """Train, compare, print."""
    everybody = read_predictions(folder / PREDICTIONS)
    train_on_subset(folder, users)
    both = join_predictions(read_predictions(folder / PREDICTIONS), everybody)
    actual, one, all_ = (both[name].to_numpy() for name in ("rating", "prediction", "prediction_everybody"))
    user = both["userId"].to_numpy()
    low, high = paired_rmse_interval(user, (all_ - actual) ** 2, (one - actual) ** 2, 0)
    print(f"{len(both):,} test targets: RMSE {rmse(actual, all_):.4f} stars by the rater of everybody, "
          f"{rmse(actual, one):.4f} by that of these people; 95 % interval of the difference "
          f"{low:+.4f} to {high:+.4f}")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2000)
