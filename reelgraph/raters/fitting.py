"""Fitting of the rater that the params select: on training rows, and on validation rows too if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reelgraph.core.metrics import rmse
from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.networks.distributed import SINGLE_PROCESS, ProcessGroup, launch
from reelgraph.raters.rater import Epoch, Fitter, MovieInputs, Rater
from reelgraph.raters.registry import check_rater_params
from reelgraph.raters.validation_targets import sample_validation_targets
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.runtime.errors import TrainingError
from reelgraph.sequences.dataset import UserHistories, star_ratings


@dataclass(frozen=True)
class FitResult:
    """A rater fitted on training rows, and the fit on training and validation rows."""

    train: Rater
    train_val: Rater | None
    """None unless ``evaluate.fit`` is ``train_val``."""
    best_epoch: int
    epochs: list[Epoch]
    """Epochs of the first fit."""
    val_rmse: float
    """RMSE of the first fit on at most ``MAX_VALIDATION_TARGETS`` validation targets, in stars."""


def fit_rater(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
    group: ProcessGroup = SINGLE_PROCESS,
) -> FitResult:
    """Fit on training rows and select the best epoch; fit on validation rows too if ``evaluate.fit`` says so.

    Args:
        params: selects the rater and holds its params.
        histories: ratings and targets.
        movies: what raters may read of the movies.
        checkpoints: where to resume from.
        group: processes of a network, and the device of the rater.

    Raises:
        TrainingError: there are no validation targets, or numbers are not finite.
        ParamError: as ``check_rater_params``.
    """
    fitter = make_fitter(params, histories, movies, checkpoints, group)
    selected = fitter.fit_and_select()
    refitted = fitter.refit(selected.best_epoch) if params.evaluate.fit == "train_val" else None
    targets = sample_validation_targets(histories, params.rater_seed)
    predicted = selected.rater.predict(histories, histories.fit_end("train"), targets).stars
    val_rmse = rmse(star_ratings(histories, targets), predicted)
    return FitResult(selected.rater, refitted, selected.best_epoch, selected.epochs, val_rmse)


def fit_worker(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir,
    group: ProcessGroup,
) -> None:
    """Run the fits in one of several processes; ``fit_rater`` resumes from their checkpoints.

    Raises:
        TrainingError, ParamError: as ``fit_rater``.
    """
    fitter = make_fitter(params, histories, movies, checkpoints, group)
    best_epoch = fitter.fit_and_select().best_epoch
    if params.evaluate.fit == "train_val":
        fitter.refit(best_epoch)


def launch_workers(
    params: TrainRaterParams, module: str, *arguments: str, folder: Path, device: torch.device = CPU
) -> None:
    """Run ``train.processes`` processes of a module that calls ``fit_worker``.

    See ``reelgraph.raters.networks.distributed.launch``.

    Raises:
        ParamError: as ``check_rater_params``, or there are fewer GPUs than processes.
        TrainingError: a process raised an error, or died too often.
    """
    check_rater_params(params)
    launch(params.train.processes, module, *arguments, folder=folder, device=device)


def make_fitter(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Fitter:
    """Return the fitter of the rater that the params select.

    Raises:
        TrainingError: there are no validation targets, or a movie's vector is not finite.
        ParamError: as ``check_rater_params``.
    """
    if not len(histories.val):
        raise TrainingError("data/sequences", "validation targets", "none",
                            "Add ratings, or lower sequences.min_history.")  # fmt: skip
    for name, vectors in (("embedding", movies.vectors), ("text vectors", movies.text)):
        if len(rows := np.flatnonzero(~np.isfinite(vectors).all(axis=1))):
            raise TrainingError(f"the movies' {name}, row {rows[0] + 1:,}", "finite numbers", "NaN or inf",
                                "Run `dvc repro` to make them again.")  # fmt: skip
    return check_rater_params(params).make_fitter(params, histories, movies, checkpoints, group)
