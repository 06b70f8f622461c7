"""Measurements of tastes: how alike two of them are, and how well a user's later ratings are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating, order_ratings
from reelgraph.app.bundle.results import SET_COVERAGE
from reelgraph.core.metrics import rmse
from reelgraph.core.rating_scale import STAR_STEP, smallest_set
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, percentile_interval
from reelgraph.runtime.errors import InputError

MIN_RATINGS = 10
"""Ratings that a user needs, and fewest ratings of the movies on which tastes are compared."""
MIN_COMPARED = 3
"""Fewest movies over which a correlation is computed."""
N_HALVES = 30
"""Random halves of the ratings, from which the interval of a likeness is estimated."""
Z_80 = 1.2816
"""Half the width of a central 80 % interval of a normal distribution, in standard deviations."""
N_FOLDS = 5
FIRST_FRACTION = 0.5
"""Fraction of the ratings that is the first history of a backtest."""

Stars = Float64[np.ndarray, " n"]


@dataclass(frozen=True)
class TasteLikeness:
    """How alike two users' tastes are."""

    correlation: float
    """Of what is predicted for either user over a user without ratings, over the movies with ten ratings."""
    low: float
    """Bounds of an 80 % interval, by random halves of the ratings."""
    high: float
    common: int
    """Movies that both have rated."""
    common_correlation: float | None
    """Of the ratings of these movies; None if there are fewer than three, or all are equal."""


@dataclass(frozen=True)
class Backtest:
    """Errors of predictions of a user's later ratings from the earlier ones, stars."""

    targets: int
    rmse: float
    rmse_low: float
    """Bounds of a 95 % interval, by the bootstrap over the ratings."""
    rmse_high: float
    movie_rmse: float
    """Error of the predictions for a user without ratings."""
    own_mean_rmse: float
    """Error of the mean of the earlier ratings."""
    coverage: float | None
    """Fraction of the ratings in the predicted 80 % sets; None for a rater without probabilities."""


def compare_tastes(
    bundle: Bundle, first: Sequence[UserRating], second: Sequence[UserRating]
) -> TasteLikeness:
    """Compare two users' tastes.

    Raises:
        InputError: one of them has fewer than ten ratings, or the bundle fewer than three movies with ten.
    """
    for ratings in (first, second):
        _require_ratings(ratings, f"at least {MIN_RATINGS} of each user")
    rng = np.random.default_rng(0)
    counts = bundle.catalog.rating_counts
    compared = np.flatnonzero(counts >= min(MIN_RATINGS, int(counts.max())))
    if len(compared) < MIN_COMPARED:
        raise InputError("the bundle", f"{MIN_COMPARED} movies with {MIN_RATINGS} ratings",
                         str(len(compared)), "Use a model of more ratings.")  # fmt: skip
    average = bundle.average_stars[compared]
    rows = compared.tolist()

    def correlation(*users: Sequence[UserRating]) -> float:
        tastes = [bundle.score(user, rows).scores.prediction.stars - average for user in users]
        return float(np.corrcoef(tastes)[0, 1])

    def half(ratings: Sequence[UserRating]) -> list[UserRating]:
        return [ratings[index] for index in rng.permutation(len(ratings))[: len(ratings) // 2]]

    estimate = correlation(first, second)
    # The variance over halves without replacement is that of the estimate (Shao & Wu, 1989).
    error = float(np.std([correlation(half(first), half(second)) for _ in range(N_HALVES)]))
    stars = {rating.row: rating.stars for rating in second}
    pairs = [(rating.stars, stars[rating.row]) for rating in first if rating.row in stars]
    return TasteLikeness(
        correlation=estimate,
        low=max(-1.0, estimate - Z_80 * error),
        high=min(1.0, estimate + Z_80 * error),
        common=len(pairs),
        common_correlation=_correlation(np.array(pairs, np.float64).reshape(-1, 2)),
    )


def _correlation(pairs: Float64[np.ndarray, "pairs 2"]) -> float | None:
    if len(pairs) < MIN_COMPARED or not pairs.std(axis=0).all():
        return None
    return float(np.corrcoef(pairs.T)[0, 1])


def backtest(bundle: Bundle, ratings: Sequence[UserRating]) -> Backtest:
    """Predict the later half of a user's ratings, a tenth at a time, each from all earlier ratings.

    Raises:
        InputError: there are fewer than ten ratings with a date.
    """
    dated = [rating for rating in ratings if rating.time is not None]
    _require_ratings(dated, f"at least {MIN_RATINGS} with a date")
    ordered = [dated[index] for index in order_ratings(dated)]
    bounds = np.linspace(FIRST_FRACTION, 1, N_FOLDS + 1) * len(ordered)
    columns: dict[str, list[float]] = {"actual": [], "rater": [], "movie": [], "own_mean": []}
    hits: list[bool] = []
    for start, end in zip(bounds[:-1].astype(int), bounds[1:].astype(int), strict=True):
        history = ordered[:start]
        targets = ordered[start:end]
        rows = [rating.row for rating in targets]
        prediction = bundle.score(history, rows).scores.prediction
        columns["actual"] += [rating.stars for rating in targets]
        columns["rater"] += prediction.stars.tolist()
        columns["movie"] += bundle.average_stars[rows].tolist()
        columns["own_mean"] += [float(np.mean([rating.stars for rating in history]))] * len(targets)
        if prediction.probabilities is not None:
            is_in_set = smallest_set(prediction.probabilities, SET_COVERAGE)
            index = [round(rating.stars / STAR_STEP) - 1 for rating in targets]
            hits += is_in_set[np.arange(len(targets)), index].tolist()
    actual, rater, movie, own_mean = (np.array(column) for column in columns.values())
    means = bootstrap_means(Clusters(np.arange(len(actual))), (rater - actual)[:, None] ** 2, seed=0)
    low, high = percentile_interval(np.sqrt(means[:, 0]))
    return Backtest(
        targets=len(actual),
        rmse=rmse(actual, rater),
        rmse_low=low,
        rmse_high=high,
        movie_rmse=rmse(actual, movie),
        own_mean_rmse=rmse(actual, own_mean),
        coverage=float(np.mean(hits)) if hits else None,
    )


def _require_ratings(ratings: Sequence[UserRating], expected: str) -> None:
    if len(ratings) < MIN_RATINGS:
        raise InputError("the ratings", expected, str(len(ratings)), "Give a longer history.")
