"""How well the demo's ratings can be predicted at all: the Bayes bound of the model that made them.

The state of a person, x = (bias, tastes), is a Gaussian random walk and a rating is
a linear look at it with Gaussian noise (see ``reelgraph.sources.demo.ratings``). So
what the earlier ratings tell of it is a Kalman filter's normal distribution
(Kalman 1960). Rounding to half stars counts as more noise, of variance 0.5² / 12;
clipping is not modelled in the filter, only in the prediction. That costs 0.2 % of
the RMSE: so much better a cubic of these predictions fits at the SPEC's full size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.special import ndtr

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP, codes_to_stars
from reelgraph.evaluation.intervals import paired_rmse_interval
from reelgraph.runtime.errors import ArtifactError, TrainingError
from reelgraph.sequences.dataset import UserHistories

DAY = 86_400

ROUNDING = STAR_STEP**2 / 12
"""Variance of rounding to half stars, 1/48."""

BATCH = 1024
"""People filtered at once: their covariances stay in the processor's cache."""

STEPS = np.arange(MIN_STARS + STAR_STEP / 2, MAX_STARS, STAR_STEP)
"""Where rounding goes from one half star to the next: 0.75 … 4.75."""


@dataclass(frozen=True)
class BayesPredictions:
    """Best predictions of the test targets in stars; a rater that is clearly better has seen the targets."""

    oracle: Float64[np.ndarray, "targets"]
    """With everything known, the person's state at that moment too."""
    posterior: Float64[np.ndarray, "targets"]
    """With the movies known, and the person inferred from all earlier ratings."""


def bayes_predictions(
    truth: Mapping[str, np.ndarray], histories: UserHistories, movie_id: Int64[np.ndarray, "movies"]
) -> BayesPredictions:
    """Predict each test target as well as can be.

    Args:
        truth: what ``reelgraph.sources.demo.generate.DemoData.truth`` holds.
        histories: ratings of all or of some people of the demo, none of theirs left out, in order of time.
        movie_id: ids of the movies that ``histories.movie_row`` names.

    Raises:
        ArtifactError: the histories are not those of the demo that the truth belongs to.
    """
    row = _truth_rows(truth, movie_id)
    index, users = histories.test, histories.users_of(histories.test)
    level = truth["rating_mean"][_truth_index(truth, histories, index, users)].astype(np.float64)
    noise = float(truth["noise_sd"][0])
    mean, variance = np.zeros(len(index)), np.zeros(len(index))
    length = index - histories.offsets[users]
    for some in _batches(length):
        mean[some], variance[some] = _filtered(truth, histories, row, index[some], length[some])
    return BayesPredictions(expected_stars(level, np.full(len(level), noise)),
                 expected_stars(mean, np.sqrt(variance + noise**2)))  # fmt: skip


def expected_stars(
    mean: Float64[np.ndarray, "targets"], sd: Float64[np.ndarray, "targets"]
) -> Float64[np.ndarray, "targets"]:
    """Return the expectation of a normal variable after rounding to half stars and clipping to 0.5 … 5.

    It is 0.5 + ½ · Σ_s P(variable > s) over the nine places s where rounding goes up.
    """
    above = ndtr((mean[:, None] - STEPS) / sd[:, None])
    return MIN_STARS + STAR_STEP * above.sum(axis=1)


def _truth_rows(
    truth: Mapping[str, np.ndarray], movie_id: Int64[np.ndarray, "movies"]
) -> Int64[np.ndarray, "movies"]:
    """Return the truth's row of each movie."""
    known = truth["movie_id"]
    row = np.minimum(np.searchsorted(known, movie_id), len(known) - 1)
    if (known[row] != movie_id).any():
        raise _other_demo(f"movie {movie_id[known[row] != movie_id][0]}")
    return row.astype(np.int64)


def _truth_index(
    truth: Mapping[str, np.ndarray],
    histories: UserHistories,
    index: Int64[np.ndarray, "targets"],
    users: Int64[np.ndarray, "targets"],
) -> Int64[np.ndarray, "targets"]:
    """Return where the targets stand in the truth, which has everybody's ratings in the same order."""
    ids = histories.user_id[users]
    theirs = np.minimum(np.searchsorted(truth["user_id"], ids), len(truth["user_id"]) - 1)
    here = (histories.offsets[1:] - histories.offsets[:-1])[users]
    there = (truth["offsets"][1:] - truth["offsets"][:-1])[theirs]
    other = (truth["user_id"][theirs] != ids) | (here != there)
    if other.any():
        raise _other_demo(f"user {ids[other][0]} with {here[other][0]} ratings")
    return truth["offsets"][theirs] + index - histories.offsets[users]


def _other_demo(what: str) -> ArtifactError:
    return ArtifactError("the demo's truth", "the movies and ratings of the histories", f"none of {what}",
                         "Run `dvc repro` to make both from the same demo.")  # fmt: skip


def _batches(length: Int64[np.ndarray, "targets"]) -> list[Int64[np.ndarray, "_"]]:
    """Group targets with histories of like length, the longest first."""
    order = np.argsort(-length, kind="stable")
    return np.split(order, np.arange(BATCH, len(order), BATCH))


def _filtered(
    truth: Mapping[str, np.ndarray],
    histories: UserHistories,
    row: Int64[np.ndarray, "movies"],
    index: Int64[np.ndarray, "batch"],
    length: Int64[np.ndarray, "batch"],
) -> tuple[Float64[np.ndarray, "batch"], Float64[np.ndarray, "batch"]]:
    """Return mean and variance of the targets' levels given the ratings before them.

    ``length`` descends, so that those with a rating at a position are the first ones.
    """
    prior, spread = truth["prior_variance"], float(truth["noise_sd"][0]) ** 2 + ROUNDING
    state = np.zeros((len(index), len(prior)))
    covariance = np.tile(np.diag(prior), (len(index), 1, 1))
    before = histories.timestamp[index - length]
    for position in range(int(length[0]) if len(length) else 0):
        live = int(np.searchsorted(-length, -position, side="left"))
        at = (index - length)[:live] + position
        movie, now = row[histories.movie_row[at]], histories.timestamp[at]
        _drift(covariance[:live], (now - before[:live]) / DAY, truth["drift_per_day"])
        before[:live] = now
        stars = codes_to_stars(histories.half_star_code[at].astype(np.float64)) - truth["movie_mean"][movie]
        _learn(state[:live], covariance[:live], _look(truth, movie), stars, spread)
    _drift(covariance, (histories.timestamp[index] - before) / DAY, truth["drift_per_day"])
    movie = row[histories.movie_row[index]]
    look = _look(truth, movie)
    seen = np.matmul(covariance, look[:, :, None])[:, :, 0]
    return truth["movie_mean"][movie] + (state * look).sum(axis=1), (look * seen).sum(axis=1)


def _look(
    truth: Mapping[str, np.ndarray], movie: Int64[np.ndarray, "batch"]
) -> Float64[np.ndarray, "batch state"]:
    """Return the direction in which a rating looks at the state: 1 for the bias, then the factors."""
    return np.concatenate([np.ones((len(movie), 1)), truth["factors"][movie]], axis=1)


def _drift(
    covariance: Float64[np.ndarray, "batch state state"],
    days: Float64[np.ndarray, "batch"],
    rate: Float64[np.ndarray, "state"],
) -> None:
    """Let time pass: the state gets less certain, in place."""
    np.einsum("bss->bs", covariance)[...] += days[:, None] * rate


def _learn(
    state: Float64[np.ndarray, "batch state"],
    covariance: Float64[np.ndarray, "batch state state"],
    look: Float64[np.ndarray, "batch state"],
    stars: Float64[np.ndarray, "batch"],
    spread: float,
) -> None:
    """Take one rating into account, in place."""
    seen = np.matmul(covariance, look[:, :, None])[:, :, 0]
    variance = (look * seen).sum(axis=1) + spread
    surprise = stars - (state * look).sum(axis=1)
    state += seen * (surprise / variance)[:, None]
    covariance -= seen[:, :, None] * (seen / variance[:, None])[:, None, :]


def check_no_leak(
    user: Int64[np.ndarray, "targets"],
    actual: Float[np.ndarray, "targets"],
    predicted: Float[np.ndarray, "targets"],
    best: Float[np.ndarray, "targets"],
    seed: int,
) -> None:
    """Refuse predictions that beat the best possible ones by more than chance.

    Args:
        user: user of each test target.
        actual: stars given.
        predicted: the rater's prediction.
        best: expectation given the person's whole history and the true movies.
        seed: of the bootstrap.

    Raises:
        TrainingError: the paired 95 % interval of the difference in RMSE lies below zero.
    """
    interval = paired_rmse_interval(user, np.square(predicted - actual), np.square(best - actual), seed)
    if interval.high < 0:
        raise TrainingError(
            "metrics/rater.json: test.rmse",
            "no less than bound.rmse, within chance",
            f"less by {-interval.high:.4f} to {-interval.low:.4f} stars",
            "The rater sees what it should predict: look for targets in its inputs.",
        )
