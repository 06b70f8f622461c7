"""The Bayes bound: the lowest RMSE that is possible on generated data.

A generated user's state x = (bias, latent factors) is a Gaussian random walk, and a rating is a linear
observation of it with Gaussian noise (see ``reelgraph.sources.demo.ratings``). The posterior of the state
given the earlier ratings is therefore the Kalman filter's normal distribution (Kalman 1960). Rounding to half
stars counts as extra observation noise of variance 0.5² / 12. Clipping is modelled in the prediction but not
in the filter, which costs 0.2 % of the RMSE at the reference size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.special import ndtr

from reelgraph.core.rating_scale import MIN_STARS, ROUNDING_THRESHOLDS, STAR_STEP
from reelgraph.evaluation.intervals import paired_rmse_interval
from reelgraph.runtime.errors import ArtifactError, TrainingError
from reelgraph.sequences.dataset import UserHistories, star_ratings

SECONDS_PER_DAY = 86_400

ROUNDING_VARIANCE = STAR_STEP**2 / 12
"""Variance of rounding to half stars, 1/48."""

MIN_USERS = 30
"""Fewest users whose interval can show a leak."""

BATCH_SIZE = 1024
"""Users that are filtered at a time: their covariances stay in the processor's cache."""


@dataclass(frozen=True)
class BayesPredictions:
    """Optimal predictions of the test targets, in stars."""

    oracle: Float64[np.ndarray, "targets"]
    """Given the true movies and the user's true state."""
    posterior: Float64[np.ndarray, "targets"]
    """Given the true movies and the user's earlier ratings."""


def bayes_predictions(
    truth: Mapping[str, np.ndarray], histories: UserHistories, movie_id: Int64[np.ndarray, "movies"]
) -> BayesPredictions:
    """Predict each test target optimally.

    Args:
        truth: ``reelgraph.sources.demo.generate.DemoData.truth``.
        histories: complete ratings of all or some users of the demo, in order of time.
        movie_id: id of each movie row of the histories.

    Raises:
        ArtifactError: the histories are not those of the demo that the truth belongs to.
    """
    truth_row = _truth_rows(truth, movie_id)
    index = histories.test
    users = histories.users_of(index)
    mean_rating = truth["rating_mean"][_truth_index(truth, histories, index, users)].astype(np.float64)
    noise_std = float(truth["noise_sd"][0])
    mean = np.zeros(len(index))
    variance = np.zeros(len(index))
    length = index - histories.offsets[users]
    for batch in _length_batches(length):
        mean[batch], variance[batch] = _filter_histories(
            truth, histories, truth_row, index[batch], length[batch]
        )
    return BayesPredictions(
        oracle=expected_stars(mean_rating, np.full(len(mean_rating), noise_std)),
        posterior=expected_stars(mean, np.sqrt(variance + noise_std**2)),
    )


def expected_stars(
    mean: Float64[np.ndarray, "targets"], std: Float64[np.ndarray, "targets"]
) -> Float64[np.ndarray, "targets"]:
    """Return the expectation of a normal variable that is rounded to half stars and clipped to 0.5 … 5.

    It is 0.5 + ½ · Σ_s P(variable > s) over the nine rounding thresholds s.
    """
    exceedance = ndtr((mean[:, None] - ROUNDING_THRESHOLDS) / std[:, None])
    return MIN_STARS + STAR_STEP * exceedance.sum(axis=1)


def check_no_leak(
    user: Int64[np.ndarray, "targets"],
    actual: Float[np.ndarray, "targets"],
    predicted: Float[np.ndarray, "targets"],
    best: Float[np.ndarray, "targets"],
    seed: int,
) -> None:
    """Raise if predictions are significantly better than the optimal ones.

    Args:
        user: user of each test target.
        actual: ratings.
        predicted: the rater's predictions.
        best: the optimal predictions.
        seed: seed of the bootstrap.

    Raises:
        TrainingError: the paired 95 % interval of the RMSE difference lies below zero. That of fewer than
            ``MIN_USERS`` users is too narrow to say so.
    """
    if len(np.unique(user)) < MIN_USERS:
        return
    interval = paired_rmse_interval(user, np.square(predicted - actual), np.square(best - actual), seed)
    if interval.high < 0:
        raise TrainingError(
            "metrics/rater.json: rmse",
            "an RMSE that is not significantly below bayes_rmse",
            f"an RMSE {-interval.high:.4f} to {-interval.low:.4f} stars below it",
            "The rater's inputs contain test ratings: look for a leak.",
        )


def _truth_rows(
    truth: Mapping[str, np.ndarray], movie_id: Int64[np.ndarray, "movies"]
) -> Int64[np.ndarray, "movies"]:
    """Return the truth's row of each movie."""
    truth_id = truth["movie_id"]
    row = np.minimum(np.searchsorted(truth_id, movie_id), len(truth_id) - 1)
    differs = truth_id[row] != movie_id
    if differs.any():
        raise _mismatch(f"movie {movie_id[differs][0]}")
    return row.astype(np.int64)


def _truth_index(
    truth: Mapping[str, np.ndarray],
    histories: UserHistories,
    index: Int64[np.ndarray, "targets"],
    users: Int64[np.ndarray, "targets"],
) -> Int64[np.ndarray, "targets"]:
    """Return the targets' indices in the truth, which has all users' ratings in the same order."""
    user_id = histories.user_id[users]
    truth_user = np.minimum(np.searchsorted(truth["user_id"], user_id), len(truth["user_id"]) - 1)
    length = np.diff(histories.offsets)[users]
    truth_length = np.diff(truth["offsets"])[truth_user]
    differs = (truth["user_id"][truth_user] != user_id) | (length != truth_length)
    if differs.any():
        raise _mismatch(f"user {user_id[differs][0]} with {length[differs][0]} ratings")
    return truth["offsets"][truth_user] + index - histories.offsets[users]


def _mismatch(missing: str) -> ArtifactError:
    return ArtifactError("the demo's truth", "the movies and ratings of the histories", f"no {missing}",
                         "Run `dvc repro` to make both from the same demo.")  # fmt: skip


def _length_batches(length: Int64[np.ndarray, "targets"]) -> list[Int64[np.ndarray, "_"]]:
    """Batch the targets by history length, the longest first."""
    order = np.argsort(-length, kind="stable")
    return np.split(order, np.arange(BATCH_SIZE, len(order), BATCH_SIZE))


def _filter_histories(
    truth: Mapping[str, np.ndarray],
    histories: UserHistories,
    truth_row: Int64[np.ndarray, "movies"],
    index: Int64[np.ndarray, "batch"],
    length: Int64[np.ndarray, "batch"],
) -> tuple[Float64[np.ndarray, "batch"], Float64[np.ndarray, "batch"]]:
    """Return mean and variance of the targets' noise-free ratings given the ratings before them.

    ``length`` descends, so the users with a rating at a position are the first ones.
    """
    prior_variance = truth["prior_variance"]
    noise_variance = float(truth["noise_sd"][0]) ** 2 + ROUNDING_VARIANCE
    state = np.zeros((len(index), len(prior_variance)))
    covariance = np.tile(np.diag(prior_variance), (len(index), 1, 1))
    last_time = histories.timestamp[index - length]
    for position in range(int(length[0]) if len(length) else 0):
        n_active = int(np.searchsorted(-length, -position, side="left"))
        rating = (index - length)[:n_active] + position
        movie = truth_row[histories.movie_row[rating]]
        time = histories.timestamp[rating]
        elapsed_days = (time - last_time[:n_active]) / SECONDS_PER_DAY
        _kalman_predict(covariance[:n_active], elapsed_days, truth["drift_per_day"])
        last_time[:n_active] = time
        deviation = star_ratings(histories, rating) - truth["movie_mean"][movie]
        observation = _observation_vector(truth, movie)
        _kalman_update(state[:n_active], covariance[:n_active], observation, deviation, noise_variance)
    elapsed_days = (histories.timestamp[index] - last_time) / SECONDS_PER_DAY
    _kalman_predict(covariance, elapsed_days, truth["drift_per_day"])
    movie = truth_row[histories.movie_row[index]]
    observation = _observation_vector(truth, movie)
    projected = np.matmul(covariance, observation[:, :, None])[:, :, 0]
    mean = truth["movie_mean"][movie] + (state * observation).sum(axis=1)
    return mean, (observation * projected).sum(axis=1)


def _observation_vector(
    truth: Mapping[str, np.ndarray], movie: Int64[np.ndarray, "batch"]
) -> Float64[np.ndarray, "batch state"]:
    """Return the weights of the state in a rating: 1 for the bias, then the movie's factors."""
    return np.concatenate([np.ones((len(movie), 1)), truth["factors"][movie]], axis=1)


def _kalman_predict(
    covariance: Float64[np.ndarray, "batch state state"],
    days: Float64[np.ndarray, "batch"],
    drift_per_day: Float64[np.ndarray, "state"],
) -> None:
    """Add the random walk's variance over the elapsed days, in place."""
    np.einsum("bss->bs", covariance)[...] += days[:, None] * drift_per_day


def _kalman_update(
    state: Float64[np.ndarray, "batch state"],
    covariance: Float64[np.ndarray, "batch state state"],
    observation: Float64[np.ndarray, "batch state"],
    stars: Float64[np.ndarray, "batch"],
    noise_variance: float,
) -> None:
    """Condition the state on one rating, in place."""
    projected = np.matmul(covariance, observation[:, :, None])[:, :, 0]
    variance = (observation * projected).sum(axis=1) + noise_variance
    innovation = stars - (state * observation).sum(axis=1)
    state += projected * (innovation / variance)[:, None]
    covariance -= projected[:, :, None] * (projected / variance[:, None])[:, None, :]
