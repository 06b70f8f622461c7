"""What a bundle answers, in words that people read and programs too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import STAR_STEP

INTERVAL_COVERAGE = 0.8
"""Of the interval."""

SIMILARITY_PENALTY = 1.0
"""Stars that a candidate loses when it is the same as one already chosen."""


@dataclass(frozen=True)
class Reason:
    """An earlier rating that moved a prediction."""

    movie_id: int
    title: str
    stars: float
    """Stars that the person gave it."""
    contribution: float
    """Stars that it adds to the prediction."""
    shared_entities: tuple[str, ...]
    """People, genre, company, country and language that both movies have."""


@dataclass(frozen=True)
class MoviePrediction:
    """What is predicted of one movie."""

    movie_id: int
    title: str
    year: int | None
    stars: float
    low: float | None
    """From ``low`` to ``high`` with at least 80 %; None where the rater gives no probabilities."""
    high: float | None
    reasons: tuple[Reason, ...]
    """What moved it most first; empty where the rater can't tell."""


@dataclass(frozen=True)
class SimilarMovie:
    """A movie near another."""

    movie_id: int
    title: str
    year: int | None
    similarity: float
    """Cosine of the two movies' vectors, −1 … 1."""
    shared_entities: tuple[str, ...]


def central_interval(probabilities: Float[np.ndarray, " codes"]) -> tuple[float, float]:
    """Return the central 80 % interval, in stars.

    It goes from the half star where the cumulative probability passes 10 % to that where it reaches 90 %.

    Args:
        probabilities: of the half stars 0.5 … 5.
    """
    cumulative = np.cumsum(probabilities)
    low = int((cumulative <= (1 - INTERVAL_COVERAGE) / 2).sum()) + 1
    high = min(int((cumulative < (1 + INTERVAL_COVERAGE) / 2).sum()) + 1, len(probabilities))
    return low * STAR_STEP, high * STAR_STEP


def top_k(value: Float[np.ndarray, " movies"], count: int) -> list[int]:
    """Return the places of the highest values, the best first, of equal ones the first."""
    if not count:
        return []
    least = np.partition(value, len(value) - count)[len(value) - count]
    among = np.flatnonzero(value >= least)
    return among[np.argsort(-value[among], kind="stable")[:count]].tolist()


def mmr_rerank(
    order: Sequence[int], value: Float[np.ndarray, " movies"], likeness: Float[np.ndarray, "n n"], count: int
) -> list[int]:
    """Choose movies that are good and unlike each other (maximal marginal relevance, Carbonell 1998).

    Args:
        order: rows of the candidates, the best first.
        value: stars of every movie.
        likeness: cosines between the candidates, in their order.
        count: how many to choose.
    """
    stars = value[list(order)]
    nearest = np.zeros(len(order))
    chosen: list[int] = []
    for _ in range(min(count, len(order))):
        score = stars - SIMILARITY_PENALTY * nearest
        score[chosen] = -np.inf
        chosen.append(int(np.argmax(score)))
        nearest = np.maximum(nearest, likeness[chosen[-1]])
    return [order[at] for at in chosen]
