"""One of several processes that train together: ``python -m tests.raters.worker FOLDER KIND [STEP]``.

With STEP, process 1 kills itself before that step, counted from 1, when it runs for the first time.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import torch

from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import fit_worker
from reelgraph.raters.networks.distributed import DistributedProcessGroup, init_process_group
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params

BATCH = 24


def params(kind: str, processes: int) -> TrainRaterParams:
    """Attention without dropout; users: in batches of users; broken: with steps that are too large."""
    made = small_rater_params("attention")
    model = made.model.model_copy(update={"dropout": 0.0})
    rate = 1e38 if kind == "broken" else made.train.learning_rate
    changes = {
        "processes": processes,
        "learning_rate": rate,
        "epochs": 3,
        "batch_size": BATCH,
        "users_per_batch": 3 if kind == "users" else 0,
    }
    return made.model_copy(update={"model": model, "train": made.train.model_copy(update=changes)})


def people() -> UserHistories:
    """Few enough that a batch may have no target of one of the processes."""
    return random_histories(3, 12, 40, 40)


def main(folder: Path, kind: str, step: int = 0) -> None:
    """Join the others and train."""
    torch.set_num_threads(1)
    if step and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        _die_before(step)
    with init_process_group(folder, CPU) as (team, states):
        fit_worker(params(kind, team.size), people(), small_movie_inputs(), states, team)


def _die_before(step: int) -> None:
    n_steps, share = [0], DistributedProcessGroup.shard

    def counted(self: DistributedProcessGroup, *arguments):
        n_steps[0] += 1
        if self.rank == 1 and n_steps[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return share(self, *arguments)

    DistributedProcessGroup.shard = counted


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:]))
