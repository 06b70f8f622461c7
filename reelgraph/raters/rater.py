"""The interface of raters, and the classes that they take and return."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Float64, Int64

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.sequences.dataset import UserHistories


@dataclass(frozen=True)
class MovieInputs:
    """Movie data that a rater may use, in row order."""

    vectors: Float32[np.ndarray, "movies dim"]
    """Movie vectors of ``model.embedding``."""
    text: Float32[np.ndarray, "movies text"]
    """Text vectors."""
    graph: KnowledgeGraph
    year: Float64[np.ndarray, " movies"]
    """Release years; NaN where missing."""


@dataclass(frozen=True)
class Prediction:
    """Predicted ratings of some targets."""

    stars: Float64[np.ndarray, " targets"]
    probabilities: Float64[np.ndarray, "targets 10"] | None = None
    """Probabilities of the half stars 0.5 … 5; None for a rater without them."""

    def select(self, rows: Int64[np.ndarray, " rows"] | slice) -> Prediction:
        """Return the predictions of some of the targets."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Prediction(self.stars[rows], probabilities)


@dataclass(frozen=True)
class Attributions:
    """A prediction as a sum over earlier ratings."""

    rating: Int64[np.ndarray, " history"]
    """Indices of the ratings."""
    contribution: Float64[np.ndarray, " history"]
    """Stars that each rating adds to the prediction."""


def no_attributions(selected: Int64[np.ndarray, " selected"]) -> list[Attributions]:
    """Return empty attributions, of a rater whose prediction is not a sum over the history."""
    return [Attributions(np.zeros(0, np.int64), np.zeros(0)) for _ in selected]


@dataclass(frozen=True)
class UserLevel:
    """How a user rates, whatever the movie; both parts are in stars over an average user."""

    level: float
    """The lasting part."""
    drift: float
    """What the latest ratings add to it for the next rating."""


@dataclass(frozen=True)
class CandidateScores:
    """Predictions for candidate movies at the position of one target."""

    prediction: Prediction
    attributions: Callable[[Int64[np.ndarray, " selected"]], list[Attributions]] = no_attributions
    """Attributions of the candidates at the given positions."""
    user_level: Callable[[], UserLevel] | None = None
    """Computes ``user``."""

    @property
    def user(self) -> UserLevel | None:
        """How the user rates; None for a rater that cannot tell."""
        return self.user_level() if self.user_level else None


@dataclass(frozen=True)
class Epoch:
    """Losses and errors of one epoch; RMSE and MAE are in stars."""

    epoch: int
    train_loss: float
    """Mean of the minimised loss over the epoch's batches, in training mode."""
    train_rmse: float
    val_loss: float
    val_rmse: float
    val_mae: float


@runtime_checkable
class Rater(Protocol):
    """A fitted model that predicts stars from a user's earlier ratings."""

    @property
    def parameter_count(self) -> int:
        """Number of trained parameters."""
        ...

    def predict(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        mask_content: bool = False,
    ) -> Prediction:
        """Predict the ratings at ``index`` from the ratings before them.

        Args:
            histories: all ratings.
            fit_end: end of each user's ratings that the rater was fitted on; the user's offset for new users.
            index: indices of the targets.
            mask_content: replace the vectors of the targets' movies, text and embedding, by the mean over all
                movies. No history may then contain a target: see ``isolate_targets``.
        """
        ...

    def score(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        movies: Int64[np.ndarray, "*targets movies"] | None = None,
        some_day: bool = False,
    ) -> Iterator[CandidateScores]:
        """Yield, for each target, predictions for candidate movies in place of its movie.

        A candidate gets the prediction that ``predict`` returns for a target with this movie, this history
        and this time that the rater was not fitted on.

        Args:
            histories: all ratings.
            fit_end: as in ``predict``.
            index: indices of the targets.
            movies: rows of the candidate movies, for all targets or for each; None: all movies.
            some_day: predict ratings long after the history, when the drift of the user's ratings has faded,
                in place of the next ratings. Attributions are then what a rating adds over the user's mean
                to movies that are alike. A rater without times predicts the next ratings.
        """
        ...

    def movie_vectors(self) -> Float32[np.ndarray, "movies dim"] | None:
        """Return vectors whose cosine says how much the same users like two movies; None without any."""
        ...

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        ...


@dataclass(frozen=True)
class SelectedFit:
    """A rater fitted on training rows, at its best epoch."""

    rater: Rater
    best_epoch: int
    epochs: list[Epoch]


@runtime_checkable
class Fitter(Protocol):
    """Fits a rater on training rows, and then on training and validation rows with the same settings."""

    def fit_and_select(self) -> SelectedFit:
        """Fit on training rows and select the best epoch by the validation targets."""
        ...

    def refit(self, epochs: int) -> Rater:
        """Fit on training and validation rows for ``epochs`` epochs."""
        ...


def mask_target_movies(
    histories: UserHistories, index: Int64[np.ndarray, " targets"], n_movies: int
) -> UserHistories:
    """Replace the targets' movies by their masked copies, which have the rows from ``n_movies`` on.

    A rater that masks content appends these copies to its movies.
    """
    movie_row = np.array(histories.movie_row)
    movie_row[index] += n_movies
    return replace(histories, movie_row=movie_row)
