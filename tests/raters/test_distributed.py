"""Training in several processes equals training in one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from reelgraph.raters.fitting import FitResult, fit_rater, launch_workers
from reelgraph.raters.networks.distributed import assign_users
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.runtime.errors import ParamError, TrainingError
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params
from tests.raters.worker import BATCH, params, people

EPOCHS, CLOSE = 3, 1e-4


def fitted(kind: str, resume: CheckpointDir = NO_CHECKPOINTS) -> FitResult:
    return fit_rater(params(kind, 1), people(), small_movie_inputs(), resume)


def trained(kind: str, folder: Path, *step: int) -> FitResult:
    """Train in two processes; what they left is all there is to do."""
    launch_workers(params(kind, 2), "tests.raters.worker", str(folder), kind, *map(str, step), folder=folder)
    resume = CheckpointDir(folder)
    assert resume.checkpoint("train").completed == EPOCHS
    result = fitted(kind, resume)
    assert resume.checkpoint("train_val").completed == result.best_epoch
    return result


def distance(one: FitResult, other: FitResult) -> float:
    """The largest difference of two weights."""
    pairs = [
        (weight, other_weight)
        for first, second in ((one.train, other.train), (one.train_val, other.train_val))
        for weight, other_weight in zip(first.network.parameters(), second.network.parameters(), strict=True)
    ]
    return max((a - b).abs().max().item() for a, b in pairs)


STEPS_PER_EPOCH = -(-len(people().train) // BATCH)
IN_THE_SECOND_EPOCH = STEPS_PER_EPOCH + STEPS_PER_EPOCH // 2


@pytest.mark.parametrize(
    ("kind", "killed_before"), [("users", []), ("attention", [IN_THE_SECOND_EPOCH])], ids=["users", "killed"]
)
def test_fit_worker_in_two_processes_equals_one_process(
    kind: str, killed_before: list[int], tmp_path: Path
) -> None:
    """With or without a process that is killed once, and restarted."""
    single, together = fitted(kind), trained(kind, tmp_path, *killed_before)
    assert distance(single, together) < CLOSE
    assert [metrics.epoch for metrics in together.epochs] == [1, 2, 3]
    np.testing.assert_allclose(
        [metrics.train_loss for metrics in single.epochs],
        [metrics.train_loss for metrics in together.epochs],
        atol=CLOSE,
    )
    assert single.val_rmse == pytest.approx(together.val_rmse, abs=CLOSE)


def test_launch_workers_raises_a_workers_error_without_restart(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="epoch 1, batch with target .*Lower train.learning_rate"):
        launch_workers(
            params("attention", 2), "tests.raters.worker", str(tmp_path), "broken", folder=tmp_path
        )
    assert not list(tmp_path.glob("*.safetensors"))


def test_launch_workers_names_a_process_that_always_dies(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="process 1 of train.processes 2.*exit code -9 after 3 restarts"):
        launch_workers(params("attention", 2), "tests.raters.killed_worker", folder=tmp_path)


def test_launch_workers_rejects_gp(tmp_path: Path) -> None:
    made = small_rater_params("gp")
    several = made.model_copy(update={"train": made.train.model_copy(update={"processes": 2})})
    with pytest.raises(ParamError, match=r"train.processes: expected 1 with model.type gp.*got 2"):
        launch_workers(several, "tests.raters.worker", folder=tmp_path)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_launch_workers_needs_a_gpu_per_process(device: str, tmp_path: Path) -> None:
    most = torch.cuda.device_count() if device == "cuda" else 1
    too_many = params("attention", most + 2)
    with pytest.raises(
        ParamError, match=f"train.processes: expected {most} at most on {device}, a GPU for each"
    ):
        launch_workers(too_many, "tests.raters.worker", folder=tmp_path, device=torch.device(device))


def test_assign_users_does_not_depend_on_other_users() -> None:
    ids = np.arange(1, 100_001)
    for processes in (2, 3, 8):
        result = assign_users(ids, processes)
        shares = np.bincount(result, minlength=processes) / len(ids)
        np.testing.assert_allclose(shares, 1 / processes, rtol=0.05)
        np.testing.assert_array_equal(assign_users(ids[::7], processes), result[::7])
