"""Result types of a bundle's methods, prediction sets, top-k selection and re-ranking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.app.bundle.catalog import MovieResult
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.core.rating_scale import STAR_STEP, smallest_set
from reelgraph.raters.rater import CandidateScores, UserLevel
from reelgraph.runtime.errors import InputError

SET_COVERAGE = 0.8
"""Lowest probability of a prediction set."""

StarRange = tuple[float, float]
"""Adjacent half stars: the lowest and the highest."""

SIMILARITY_PENALTY = 1.0
"""What a cosine of 1 with an already selected movie costs, in ranges of the candidates' scores."""


@dataclass(frozen=True)
class Reason:
    """A rating in the history that contributed to a prediction; see ``select_reasons``."""

    movie_id: int
    title: str
    stars: float
    """Stars that the user gave the movie."""
    contribution: float
    """Stars that the rating adds to the prediction; below 0 for a counter-reason."""
    shared: tuple[str, ...]
    """Names of the people and genres that both movies have."""
    same_audience: bool
    """Whether the same users watch and like both movies, more than 95 % of all movies."""


@dataclass(frozen=True)
class WatchedMovie:
    """A movie in the history whose audience also watches a recommended movie; see ``select_watched``."""

    movie_id: int
    title: str
    log_odds: float
    """What it adds to the log-odds that the recommended movie is watched next; above 0."""


@dataclass(frozen=True)
class MoviePrediction(MovieResult):
    """The prediction for one movie."""

    stars: float
    prediction_set: tuple[StarRange, ...] | None
    """See ``star_ranges``; None if the rater predicts no probabilities."""
    ratings: int
    """Training ratings of the movie. Without any, the prediction rests on its text and graph alone."""
    reasons: tuple[Reason, ...]
    """The strongest first, counter-reasons last; see ``select_reasons``. Empty without attributions."""
    watched: tuple[WatchedMovie, ...] = ()
    """The strongest first; see ``select_watched``. Empty unless the ranker orders the list."""


@dataclass(frozen=True)
class SimilarMovie(MovieResult):
    """A nearest neighbour of a movie."""

    similarity: float
    """Cosine of the two movies' vectors, −1 … 1."""
    shared_entities: tuple[str, ...]


class ScoredMovies(NamedTuple):
    """A user's ratings, and the rater's scores of some movies."""

    ratings: Sequence[UserRating]
    history_rows: Int64[np.ndarray, " history"]
    """Rows of the movies in the history, which attributions index."""
    rated_at: Int64[np.ndarray, " history"]
    """Unix times of the ratings in the history, as ``rating_times`` returns them."""
    movie_rows: Int64[np.ndarray, " movies"]
    """Rows of the scored movies."""
    scores: CandidateScores

    @property
    def rated_stars(self) -> dict[int, float]:
        """The user's ratings by row."""
        return {rating.row: rating.stars for rating in self.ratings}

    @property
    def user(self) -> UserLevel | None:
        """How the user rates. Ratings of one time, or without dates, have no order and so no drift."""
        user = self.scores.user
        return user if user is None or len(np.unique(self.rated_at)) > 1 else replace(user, drift=0.0)


def star_ranges(probabilities: Float[np.ndarray, " codes"]) -> tuple[StarRange, ...]:
    """Return the smallest set of half stars with a probability of 80 % or more, as ascending ranges.

    Half stars that follow each other are one range: most sets are one. A user who rates in whole stars may
    have several.

    Args:
        probabilities: of the half stars 0.5 … 5.
    """
    codes = np.flatnonzero(smallest_set(probabilities, SET_COVERAGE)) + 1
    runs = np.split(codes, np.flatnonzero(np.diff(codes) > 1) + 1)
    return tuple((float(run[0] * STAR_STEP), float(run[-1] * STAR_STEP)) for run in runs)


def check_top(top: int) -> None:
    """Check the length of a list.

    Raises:
        InputError: it is below 1.
    """
    if top < 1:
        raise InputError("top", "1 or more", repr(top), "Give the number of movies.")


def top_k(scores: Float[np.ndarray, " movies"], k: int) -> list[int]:
    """Return the rows of the ``k`` highest scores in descending order; ties are in row order."""
    if not k:
        return []
    threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
    candidates = np.flatnonzero(scores >= threshold)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:k]].tolist()


def mmr_rerank(
    candidates: Sequence[int],
    scores: Float[np.ndarray, " movies"],
    similarity: Float[np.ndarray, "n n"],
    k: int,
) -> list[int]:
    """Select ``k`` candidates by maximal marginal relevance (Carbonell & Goldstein, 1998).

    Args:
        candidates: rows of movies, by descending score.
        scores: of every movie; those of the candidates are scaled to 0 … 1.
        similarity: cosines between the candidates, in their order.
        k: number of movies to select.
    """
    candidate_scores = scores[list(candidates)]
    score_range = np.ptp(candidate_scores) or 1.0
    relevance = (candidate_scores - candidate_scores.min()) / score_range
    max_similarity = np.zeros(len(candidates))
    selected: list[int] = []
    for _ in range(min(k, len(candidates))):
        marginal_relevance = relevance - SIMILARITY_PENALTY * max_similarity
        marginal_relevance[selected] = -np.inf
        selected.append(int(np.argmax(marginal_relevance)))
        max_similarity = np.maximum(max_similarity, similarity[selected[-1]])
    return [candidates[index] for index in selected]
