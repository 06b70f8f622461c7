"""Fitting the rater that the params describe, twice: to validate, and then with validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.core.metrics import rmse
from reelgraph.params.rater import RaterParams
from reelgraph.raters.gp.content import make_content
from reelgraph.raters.gp.rater import fit as fit_gp
from reelgraph.raters.networks import training
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.network_rater import NeuralRater, build
from reelgraph.raters.networks.team import ALONE, Team
from reelgraph.raters.rater import Epoch, Rater
from reelgraph.runtime.checkpointing import NOWHERE, Resume
from reelgraph.runtime.errors import ParamError, TrainingError
from reelgraph.schemas.kg import KnowledgeGraph
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.ratings import stars


@dataclass(frozen=True)
class Movies:
    """What raters may know of the movies, in row order."""

    vectors: Float32[np.ndarray, "movies dim"]
    """The embedding that ``model.embedding`` names."""
    text: Float32[np.ndarray, "movies text"]
    """Text vectors; only gp reads them, beside the embedding."""
    graph: KnowledgeGraph
    year: Float64[np.ndarray, " movies"]
    """Release years; NaN where unknown."""


@dataclass(frozen=True)
class First:
    """A rater fitted on training rows, and how it went."""

    rater: Rater
    best_epoch: int
    epochs: list[Epoch]


@dataclass(frozen=True)
class Fitted:
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

    def first(self, on_epoch: Callable[[Epoch], None]) -> First:
        """Fit on training rows; tell of each epoch, judged on the validation targets."""
        ...

    def again(self, epochs: int) -> Rater:
        """Fit on training and validation rows, for as many epochs as were best."""
        ...


def fit_rater(
    params: RaterParams,
    histories: Histories,
    movies: Movies,
    on_epoch: Callable[[Epoch], None],
    resume: Resume = NOWHERE,
    team: Team = ALONE,
) -> Fitted:
    """Fit on training rows, judge by validation; then fit again with validation rows, nothing chosen anew.

    Args:
        params: which rater, and its numbers.
        histories: ratings and targets.
        movies: what raters may know of them.
        on_epoch: told of each epoch of the first fit.
        resume: where to go on from.
        team: who trains a network, and on which device; gp is computed on the CPU.

    Raises:
        TrainingError: there are no validation targets, or a loss is not finite.
    """
    fitter = make_fitter(params, histories, movies, resume, team)
    first = fitter.first(on_epoch)
    again = fitter.again(first.best_epoch)
    said = first.rater.predict(histories, histories.fit_end("train"), histories.val).stars
    val_rmse = rmse(stars(histories, histories.val), said)
    return Fitted(first.rater, again, first.best_epoch, first.epochs, val_rmse)


def fit_states(params: RaterParams, histories: Histories, movies: Movies, resume: Resume, team: Team) -> None:
    """Fit as ``fit_rater`` does, together with other processes, up to the states that it goes on from.

    Raises:
        TrainingError: as ``fit_rater``.
    """
    fitter = make_fitter(params, histories, movies, resume, team)
    fitter.again(fitter.first(lambda epoch: None).best_epoch)


def make_fitter(
    params: RaterParams,
    histories: Histories,
    movies: Movies,
    resume: Resume = NOWHERE,
    team: Team = ALONE,
) -> Fitter:
    """Return what fits the rater that the params describe.

    Raises:
        TrainingError: there are no validation targets, or a movie's vector is not finite.
        ParamError: train.users is not for this rater.
    """
    if not len(histories.val):
        raise TrainingError("data/histories", "validation targets", "none",
                            "Add ratings, or lower sequences.min_history.")  # fmt: skip
    for name, vectors in (("embedding", movies.vectors), ("text vectors", movies.text)):
        if len(bad := np.flatnonzero(~np.isfinite(vectors).all(axis=1))):
            raise TrainingError(f"the movies' {name}, row {bad[0] + 1:,}", "finite numbers", "NaN or inf",
                                "Run `dvc repro` to make them again.")  # fmt: skip
    if params.train.users and params.model.type == "transformer":
        raise ParamError("train.users", "0 with model.type transformer", str(params.train.users),
                         "Set it to 0, or model.type to attention.")  # fmt: skip
    if params.model.type == "gp":
        return _GaussianProcess(params, histories, movies, resume)
    return NetworkFitter(params, histories, movies, resume, team)


class _GaussianProcess:
    def __init__(self, params: RaterParams, histories: Histories, movies: Movies, resume: Resume) -> None:
        content = make_content(movies.graph, movies.year, (movies.text, movies.vectors))
        self.histories, self.resume, self.chosen = (
            histories,
            resume,
            (content, params.model, params.gp, params.seed),
        )

    def first(self, on_epoch: Callable[[Epoch], None]) -> First:
        epochs: list[Epoch] = []

        def note(epoch: Epoch) -> None:
            epochs.append(epoch)
            on_epoch(epoch)

        end, resume = self.histories.fit_end("train"), self.resume.within("train")
        rater = fit_gp(self.histories, end, *self.chosen, note, resume)
        return First(rater, len(epochs), epochs)

    def again(self, epochs: int) -> Rater:
        end, resume = self.histories.fit_end("train_val"), self.resume.within("train_val")
        return fit_gp(self.histories, end, *self.chosen, resume=resume)


class NetworkFitter:
    """Fits attention or transformer."""

    def __init__(
        self,
        params: RaterParams,
        histories: Histories,
        movies: Movies,
        resume: Resume = NOWHERE,
        team: Team = ALONE,
    ) -> None:
        self.window, self.histories, self.resume = params.model.max_history, histories, resume
        self.make: Callable[[], Network] = lambda: build(params.model, movies.vectors)
        self.train, self.seed, self.team = params.train, params.seed, team

    def wrap(self, outer: Callable[[Network], Network]) -> None:
        """Put every network that is made into another one."""
        inner = self.make
        self.make = lambda: outer(inner())

    def first(self, on_epoch: Callable[[Epoch], None]) -> First:
        """Fit on training rows; the epoch with the lowest validation RMSE wins."""
        state = self.resume.state("train")
        trained = training.train(
            self.make, self.histories, self.train, self.window, self.seed, on_epoch, state, self.team
        )
        return First(NeuralRater(trained.rater, self.window), trained.best.epoch, trained.epochs)

    def again(self, epochs: int) -> Rater:
        """Fit on training and validation rows."""
        state = self.resume.state("train_val")
        rater = training.refit(
            self.make, self.histories, self.train, self.window, self.seed, epochs, state, self.team
        )
        return NeuralRater(rater, self.window)
