"""Fitting the rater that the params describe, twice: to validate, and then with validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.errors import TrainingError
from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import stars
from reelgraph.metrics import rmse
from reelgraph.params.rater import RaterParams
from reelgraph.raters import training
from reelgraph.raters.gp.content import make_content
from reelgraph.raters.gp.rater import fit as fit_gp
from reelgraph.raters.neural import NeuralRater, build
from reelgraph.raters.rater import Epoch, Rater
from reelgraph.schemas.kg import KnowledgeGraph


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
class Fitted:
    """A rater fitted on training rows, the same on training and validation rows, and how it went."""

    train: Rater
    train_val: Rater
    best_epoch: int
    epochs: list[Epoch]
    val_rmse: float
    """Of the first, on the validation targets, stars."""


def fit_rater(
    params: RaterParams, histories: Histories, movies: Movies, on_epoch: Callable[[Epoch], None]
) -> Fitted:
    """Fit on training rows, judge by validation; then fit again with validation rows, nothing chosen anew.

    Raises:
        TrainingError: there are no validation targets, or a loss is not finite.
    """
    if not len(histories.val):
        raise TrainingError("data/histories", "validation targets", "none",
                            "Add ratings, or lower sequences.min_history.")  # fmt: skip
    fit = _gaussian_process if params.model.type == "gp" else _network
    first, second, best, epochs = fit(params, histories, movies, on_epoch)
    said = first.predict(histories, histories.fit_end("train"), histories.val).stars
    return Fitted(first, second, best, epochs, rmse(stars(histories, histories.val), said))


def _gaussian_process(
    params: RaterParams, histories: Histories, movies: Movies, on_epoch: Callable[[Epoch], None]
) -> tuple[Rater, Rater, int, list[Epoch]]:
    content = make_content(movies.graph, movies.year, (movies.text, movies.vectors))
    epochs: list[Epoch] = []

    def note(epoch: Epoch) -> None:
        epochs.append(epoch)
        on_epoch(epoch)

    chosen = content, params.model, params.gp, params.seed
    first = fit_gp(histories, histories.fit_end("train"), *chosen, note)
    return first, fit_gp(histories, histories.fit_end("train_val"), *chosen), len(epochs), epochs


def _network(
    params: RaterParams, histories: Histories, movies: Movies, on_epoch: Callable[[Epoch], None]
) -> tuple[Rater, Rater, int, list[Epoch]]:
    window, train, seed = params.model.max_history, params.train, params.seed
    trained = training.train(
        lambda: build(params.model, movies.vectors), histories, train, window, seed, on_epoch
    )
    again = training.refit(
        lambda: build(params.model, movies.vectors), histories, train, window, seed, trained.best.epoch
    )
    best = trained.best.epoch
    return NeuralRater(trained.rater, window), NeuralRater(again, window), best, trained.epochs
