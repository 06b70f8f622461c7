"""Fitting the rater that the params describe, twice: to validate, and then with validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.core.metrics import rmse
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.gp.fitting import fit as fit_gp
from reelgraph.raters.gp.movie_content import build_movie_content
from reelgraph.raters.networks import trainer
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.distributed import SINGLE_PROCESS, ProcessGroup
from reelgraph.raters.networks.network_rater import NetworkRater, build_network
from reelgraph.raters.rater import Epoch, Rater
from reelgraph.runtime.checkpointing import NO_CHECKPOINTS, CheckpointDir
from reelgraph.runtime.errors import ParamError, TrainingError
from reelgraph.schemas.kg import KnowledgeGraph
from reelgraph.sequences.dataset import UserHistories, star_ratings


@dataclass(frozen=True)
class MovieInputs:
    """What raters may know of the movies, in row order."""

    vectors: Float32[np.ndarray, "movies dim"]
    """The embedding that ``model.embedding`` names."""
    text: Float32[np.ndarray, "movies text"]
    """Text vectors; only gp reads them, beside the embedding."""
    graph: KnowledgeGraph
    year: Float64[np.ndarray, " movies"]
    """Release years; NaN where unknown."""


@dataclass(frozen=True)
class SelectedFit:
    """A rater fitted on training rows, and how it went."""

    rater: Rater
    best_epoch: int
    epochs: list[Epoch]


@dataclass(frozen=True)
class FitResult:
    """A rater fitted on training rows, the same on training and validation rows, and how it went."""

    train: Rater
    train_val: Rater
    best_epoch: int
    epochs: list[Epoch]
    val_rmse: float
    """Of the first, on the validation targets, stars."""


@runtime_checkable
class Fitter(Protocol):
    """Fits one kind of rater on training rows, and then again with validation rows, nothing chosen anew."""

    def fit_and_select(self, on_epoch: Callable[[Epoch], None]) -> SelectedFit:
        """Fit on training rows; tell of each epoch, judged on the validation targets."""
        ...

    def refit(self, epochs: int) -> Rater:
        """Fit on training and validation rows, for as many epochs as were best."""
        ...


def fit_rater(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    on_epoch: Callable[[Epoch], None],
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
    group: ProcessGroup = SINGLE_PROCESS,
) -> FitResult:
    """Fit on training rows, judge by validation; then fit again with validation rows, nothing chosen anew.

    Args:
        params: which rater, and its numbers.
        histories: ratings and targets.
        movies: what raters may know of them.
        on_epoch: told of each epoch of the first fit.
        checkpoints: training continues from them.
        group: who trains a network, and on which device; gp is computed on the CPU.

    Raises:
        TrainingError: there are no validation targets, or a loss is not finite.
    """
    fitter = make_fitter(params, histories, movies, checkpoints, group)
    first = fitter.fit_and_select(on_epoch)
    again = fitter.refit(first.best_epoch)
    said = first.rater.predict(histories, histories.fit_end("train"), histories.val).stars
    val_rmse = rmse(star_ratings(histories, histories.val), said)
    return FitResult(first.rater, again, first.best_epoch, first.epochs, val_rmse)


def fit_worker(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir,
    group: ProcessGroup,
) -> None:
    """Fit as ``fit_rater`` does, together with other processes, up to the states that it goes on from.

    Raises:
        TrainingError: as ``fit_rater``.
    """
    fitter = make_fitter(params, histories, movies, checkpoints, group)
    fitter.refit(fitter.fit_and_select(lambda epoch: None).best_epoch)


def make_fitter(
    params: TrainRaterParams,
    histories: UserHistories,
    movies: MovieInputs,
    checkpoints: CheckpointDir = NO_CHECKPOINTS,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Fitter:
    """Return what fits the rater that the params describe.

    Raises:
        TrainingError: there are no validation targets, or a movie's vector is not finite.
        ParamError: train.users_per_batch is not for this rater.
    """
    if not len(histories.val):
        raise TrainingError("data/sequences", "validation targets", "none",
                            "Add ratings, or lower sequences.min_history.")  # fmt: skip
    for name, vectors in (("embedding", movies.vectors), ("text vectors", movies.text)):
        if len(bad := np.flatnonzero(~np.isfinite(vectors).all(axis=1))):
            raise TrainingError(f"the movies' {name}, row {bad[0] + 1:,}", "finite numbers", "NaN or inf",
                                "Run `dvc repro` to make them again.")  # fmt: skip
    if params.train.users_per_batch and params.model.type == "transformer":
        raise ParamError("train.users_per_batch", "0 with model.type transformer",
                         str(params.train.users_per_batch),
                         "Set it to 0, or model.type to attention.")  # fmt: skip
    if params.model.type == "gp":
        return _GaussianProcess(params, histories, movies, checkpoints)
    return NetworkFitter(params, histories, movies, checkpoints, group)


class _GaussianProcess:
    def __init__(
        self, params: TrainRaterParams, histories: UserHistories, movies: MovieInputs, resume: CheckpointDir
    ) -> None:
        content = build_movie_content(movies.graph, movies.year, (movies.text, movies.vectors))
        self.histories, self.resume, self.chosen = (
            histories,
            resume,
            (content, params.model, params.gp, params.seed),
        )

    def fit_and_select(self, on_epoch: Callable[[Epoch], None]) -> SelectedFit:
        epochs: list[Epoch] = []

        def note(epoch: Epoch) -> None:
            epochs.append(epoch)
            on_epoch(epoch)

        end, resume = self.histories.fit_end("train"), self.resume.subdirectory("train")
        rater = fit_gp(self.histories, end, *self.chosen, note, resume)
        return SelectedFit(rater, len(epochs), epochs)

    def refit(self, epochs: int) -> Rater:
        end, resume = self.histories.fit_end("train_val"), self.resume.subdirectory("train_val")
        return fit_gp(self.histories, end, *self.chosen, checkpoints=resume)


class NetworkFitter:
    """Fits attention or transformer."""

    def __init__(
        self,
        params: TrainRaterParams,
        histories: UserHistories,
        movies: MovieInputs,
        resume: CheckpointDir = NO_CHECKPOINTS,
        team: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        self.window, self.histories, self.resume = params.model.max_history, histories, resume
        self.make: Callable[[], Network] = lambda: build_network(params.model, movies.vectors)
        self.train, self.seed, self.team = params.train, params.seed, team

    def wrap(self, outer: Callable[[Network], Network]) -> None:
        """Put every network that is made into another one."""
        inner = self.make
        self.make = lambda: outer(inner())

    def fit_and_select(self, on_epoch: Callable[[Epoch], None]) -> SelectedFit:
        """Fit on training rows; the epoch with the lowest validation RMSE wins."""
        state = self.resume.checkpoint("train")
        trained = trainer.train(
            self.make, self.histories, self.train, self.window, self.seed, on_epoch, state, self.team
        )
        return SelectedFit(
            NetworkRater(trained.network, self.window), trained.best_epoch.epoch, trained.epochs
        )

    def refit(self, epochs: int) -> Rater:
        """Fit on training and validation rows."""
        state = self.resume.checkpoint("train_val")
        rater = trainer.refit(
            self.make, self.histories, self.train, self.window, self.seed, epochs, state, self.team
        )
        return NetworkRater(rater, self.window)
