"""What every fitted rater can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int64

from reelgraph.sequences.dataset import UserHistories


@dataclass(frozen=True)
class Prediction:
    """What a rater says of some targets."""

    stars: Float64[np.ndarray, " targets"]
    probabilities: Float64[np.ndarray, "targets 10"] | None = None
    """Of the half stars 0.5 … 5, where the rater gives them."""


@dataclass(frozen=True)
class Attributions:
    """What a prediction is made of: earlier ratings, and the stars that each adds to it."""

    rating: Int64[np.ndarray, " history"]
    """Indices of the ratings."""
    contribution: Float64[np.ndarray, " history"]


@dataclass(frozen=True)
class CandidateScores:
    """What a rater says of movies in one target's place."""

    prediction: Prediction
    attributions: Callable[[Int64[np.ndarray, " shown"]], list[Attributions]]
    """Takes places among the movies, tells which earlier ratings moved each; empty where the rater can't."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave; errors in stars."""

    epoch: int
    train_loss: float
    """The loss that is minimised, as it ran in training mode."""
    train_rmse: float
    val_loss: float
    val_rmse: float
    val_mae: float


@runtime_checkable
class Rater(Protocol):
    """A model that predicts stars from what a person rated before; it knows no files but its own weights."""

    @property
    def parameter_count(self) -> int:
        """Number of trained numbers."""
        ...

    def predict(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        mask_content: bool = False,
    ) -> Prediction:
        """Predict the ratings at ``index`` from those before them.

        Args:
            histories: all users' ratings.
            fit_end: the rater was fitted on each user's ratings before it; for new users, their offset.
            index: the targets.
            mask_content: replace the target movies' vectors, of text and embedding, by the mean of all
                movies' vectors. No target may be in another one's history; see ``isolate_targets``.
        """
        ...

    def score(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        index: Int64[np.ndarray, " targets"],
        movies: Int64[np.ndarray, " movies"] | None = None,
    ) -> Iterator[CandidateScores]:
        """Yield for each target what is predicted of movies if they stood in the target's place.

        As ``predict`` of a rating that the rater was not fitted on, with the history and the time of the
        target's, but in one go.

        Args:
            histories: as in ``predict``.
            fit_end: as in ``predict``.
            index: the targets.
            movies: rows of movies; by default all.
        """
        ...

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
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
