"""Recommendations for several users at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from reelgraph.app.bundle.catalog import MovieResult
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.app.bundle.results import top_k

GroupRule = Literal["least-misery", "mean"]


@dataclass(frozen=True)
class GroupPrediction(MovieResult):
    """The predictions for one movie and several users."""

    stars: tuple[float, ...]
    """Predicted stars of each user, in their order."""
    ratings: int
    """Training ratings of the movie."""


def recommend_to_group(
    bundle: Bundle,
    users: Sequence[Sequence[UserRating]],
    mask: Bool[np.ndarray, " movies"],
    top: int,
    rule: GroupRule,
    by: str = "ranker",
) -> list[GroupPrediction]:
    """Return the movies of the mask that are best for all users.

    Args:
        bundle: the model.
        users: ratings of each user.
        mask: candidates.
        top: number of movies.
        rule: ``least-misery`` orders by the lowest of the users' scores, ``mean`` by their mean.
        by: what the scores are; see ``Bundle.rank``.
    """
    scored = [bundle.score(ratings) for ratings in users]
    stars = np.array([movies.scores.prediction.stars for movies in scored])
    orders = np.array([bundle.order(movies, by) for movies in scored])
    order = orders.min(axis=0) if rule == "least-misery" else orders.mean(axis=0)
    rows = top_k(np.where(mask, order, -np.inf), min(top, int(mask.sum())))
    return [
        GroupPrediction(
            **bundle.catalog.identify(row),
            stars=tuple(stars[:, row].tolist()),
            ratings=int(bundle.catalog.rating_counts[row]),
        )
        for row in rows
    ]
