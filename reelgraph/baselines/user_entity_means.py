"""Baseline: the user's mean, and how they rate the target's genre and the people who made it.

The effect of a genre, and then of the people, is a damped mean of the user's residuals on the movies of the
history that share an entity with the target, weighted by the number of shared entities.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.baselines import user_bias
from reelgraph.baselines.content import PEOPLE, MovieContent, targets_by_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories, star_ratings

READS_CONTENT = True


class Params(Section):
    """Parameters of the baseline."""

    user_damping: float = Field(gt=0)
    """Ratings that the global mean counts as, above 0."""

    genre_damping: float = Field(gt=0)
    """Ratings that a prior genre effect of 0 counts as, above 0."""

    people_damping: float = Field(gt=0)
    """The same for the people's effect."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
    content: MovieContent,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    level = user_bias.predict(histories, fit_end, index, user_bias.Params(damping=params.user_damping))
    stars = star_ratings(histories)
    genres = content.graph.entity_matrix(["genre"])
    people = content.graph.entity_matrix(PEOPLE)
    effect = np.zeros(len(index))
    for positions, history in targets_by_history(histories, index):
        residual = stars[history] - level[positions[0]]
        targets = histories.movie_row[index[positions]]
        rated = histories.movie_row[history]
        effect[positions] = _shared_mean(genres, targets, rated, residual, params.genre_damping)
        effect[positions] += _shared_mean(people, targets, rated, residual, params.people_damping)
    return (level + effect).clip(MIN_STARS, MAX_STARS)


def _shared_mean(
    entities: csr_matrix, targets: np.ndarray, rated: np.ndarray, residual: np.ndarray, damping: float
) -> Float64[np.ndarray, " targets"]:
    """Return the damped mean of the residuals by the number of entities that a rated movie shares."""
    shared = entities[targets] @ entities[rated].T
    return shared @ residual / (np.asarray(shared.sum(axis=1)).ravel() + damping)
