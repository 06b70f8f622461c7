"""Perturbation tests: the increase of the rater's RMSE when a part of its input is hidden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt8

from reelgraph.core.rating_scale import N_CODES
from reelgraph.core.seeds import derive_seed, generator, subsample
from reelgraph.evaluation.intervals import bootstrap_means, interval_columns, target_clusters
from reelgraph.raters.rater import Rater
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sequences.isolated_targets import IsolatedTargets, isolate_targets

MAX_TARGETS = 10_000
"""Targets that are predicted, at most: each test predicts all of them again."""

Stars = Float[np.ndarray, " targets"]
RowEnds = Int64[np.ndarray, " users"]
Index = Int64[np.ndarray, " targets"]


def perturbation_tests(
    rater: Rater, histories: UserHistories, fit_end: RowEnds, index: Index, predicted: Stars, seed: int
) -> dict[str, dict[str, float]]:
    """Return for each perturbation the RMSE and its increase over the RMSE on the unperturbed input.

    ``history_shuffled`` permutes the rated movies of a history, ``ratings_hidden`` replaces the history's
    ratings by the movies' means, and ``content_masked`` masks the target movie's vectors.

    Args:
        rater: fitted on each user's ratings before ``fit_end``.
        histories: ratings of all users.
        fit_end: end of the rows that the rater was fitted on, a user.
        index: the targets; more than ``MAX_TARGETS`` are subsampled.
        predicted: the rater's predictions of the targets from the unperturbed input.
        seed: root seed, of the subsample, the permutation and the bootstrap.

    Returns:
        ``rmse``, ``rmse_increase`` and its paired 95 % interval, in stars.
    """
    subset = subsample(np.arange(len(index)), MAX_TARGETS, generator(seed, "controls/targets"))
    index = index[subset]
    targets = isolate_targets(histories, fit_end, index)
    perturbed = {
        "history_shuffled": _predict(rater, shuffle_histories(targets, generator(seed, "controls"))),
        "ratings_hidden": _predict(rater, hide_ratings(targets, histories, fit_end)),
        "content_masked": _predict(rater, targets, mask_content=True),
    }
    residual = np.stack([predicted[subset], *perturbed.values()], axis=1)
    residual -= star_ratings(histories, index)[:, None]
    clusters = target_clusters(histories, index)
    resampled = np.sqrt(bootstrap_means(clusters, residual**2, derive_seed(seed, "bootstrap")))
    rmse = np.sqrt((residual**2).mean(axis=0))
    metrics = {}
    for i, name in enumerate(perturbed, start=1):
        metrics[name] = {
            "rmse": float(rmse[i]),
            "rmse_increase": float(rmse[i] - rmse[0]),
            **interval_columns({"rmse_increase": resampled[:, i] - resampled[:, 0]}),
        }
    return metrics


def shuffle_histories(targets: IsolatedTargets, rng: np.random.Generator) -> IsolatedTargets:
    """Permute the rated movies of each history over its times; the targets stay in place."""
    key = rng.random(len(targets.half_star_code))
    key[~targets.is_history] = 1.0
    # Keys below ½ between integers need one sort, which takes a sixth of the time of lexsort.
    order = np.argsort(targets.users_of(np.arange(len(key))) + key / 2, kind="stable")
    return replace(
        targets,
        movie_row=targets.movie_row[order],
        half_star_code=targets.half_star_code[order],
        fitted=targets.fitted[order],
    )


def hide_ratings(targets: IsolatedTargets, histories: UserHistories, fit_end: RowEnds) -> IsolatedTargets:
    """Replace each history rating by the rounded mean of the movie's fitted ratings by other users.

    Movies and times stay. A movie without other ratings gets the mean of all fitted ratings.
    """
    means = _other_users_means(targets, histories, fit_end)
    return replace(targets, half_star_code=np.where(targets.is_history, means, targets.half_star_code))


def _other_users_means(
    targets: IsolatedTargets, histories: UserHistories, fit_end: RowEnds
) -> UInt8[np.ndarray, " ratings"]:
    is_fitted = histories.mask_before(fit_end)
    movie = histories.movie_row[is_fitted]
    code = histories.half_star_code[is_fitted].astype(np.float64)
    total = np.bincount(movie, code, histories.n_movies)
    count = np.bincount(movie, minlength=histories.n_movies)
    other_count = count[targets.movie_row] - targets.fitted
    other_total = total[targets.movie_row] - targets.fitted * targets.half_star_code
    mean = other_total / np.maximum(other_count, 1)
    return np.rint(np.where(other_count > 0, mean, code.mean())).clip(1, N_CODES).astype(np.uint8)


def _predict(
    rater: Rater, targets: IsolatedTargets, mask_content: bool = False
) -> Float64[np.ndarray, " targets"]:
    return rater.predict(targets, targets.train_end, targets.test, mask_content).stars
