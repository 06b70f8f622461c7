"""A linear probe: how much movie vectors tell of users' preferences.

A user's residuals are ``mean + drift + preference · vector + noise``, all Gaussian. This is ridge regression
on the unit vectors, written as a Gaussian process. Variances are relative to the noise: those of mean and
drift are the same for all sets of vectors, and that of the preference is selected for each set. The drift's
covariance decays exponentially with the number of ratings in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from reelgraph.evaluation.intervals import Clusters, bootstrap_means, percentile_interval
from studies.probe.probe_data import ProbeData, Windows

BATCH_SIZE = 256
EMBEDDING_WEIGHTS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Candidate variances of the preference; 0 is the model without vectors."""

UnitVectors = Float32[Tensor, "movies dim"]
Errors = Float64[np.ndarray, " _"]


class UserPrior(NamedTuple):
    """Variances of a user's mean and drift, relative to the noise, and the drift's length in ratings."""

    mean: float
    drift: float
    drift_length: float


USER_PRIORS = tuple(UserPrior(*prior) for prior in product((0.1, 0.2, 0.4), (0.1, 0.2, 0.4), (5.0, 15.0)))


@dataclass(frozen=True)
class ProbeResult:
    """Prediction errors, in stars, of one set of vectors."""

    embedding_weight: float
    """Selected on the training rows."""
    one_step: Errors
    val: Errors


def select_user_prior(data: ProbeData) -> UserPrior:
    """Return the prior with the lowest squared error on the training rows, without vectors."""

    def error(prior: UserPrior) -> float:
        return _mean_square(prediction_errors(data, data.one_step, prior, None, (0.0,))[0])

    return min(USER_PRIORS, key=error)


def fit_probe(
    data: ProbeData, prior: UserPrior, vectors: Float32[np.ndarray, "movies dim"] | None
) -> ProbeResult:
    """Select the weight of the vectors on the training rows; return the errors there and on validation.

    Args:
        data: residuals and targets.
        prior: the same for every set of vectors.
        vectors: one row per movie; None: without vectors.
    """
    unit = None if vectors is None else _unit_vectors(vectors)
    weights = (0.0,) if unit is None else EMBEDDING_WEIGHTS
    one_step = prediction_errors(data, data.one_step, prior, unit, weights)
    best = min(range(len(weights)), key=lambda index: _mean_square(one_step[index]))
    val = prediction_errors(data, data.val, prior, unit, (weights[best],))[0]
    return ProbeResult(weights[best], one_step[best], val)


def prediction_errors(
    data: ProbeData, windows: Windows, prior: UserPrior, unit: UnitVectors | None, weights: Sequence[float]
) -> list[Errors]:
    """Return, for each weight of the vectors, the errors at the windows' targets.

    With K = L Lᵀ the covariance of a window and z = L⁻¹ r, the error of rating i given the ratings before it
    is L_ii z_i. One factorisation gives all errors of a window.
    """
    errors: list[list[np.ndarray]] = [[] for _ in weights]
    for index, is_target in _batches(windows):
        is_rating = index >= 0
        rows = index.clamp(min=0)
        both = is_rating[:, :, None] & is_rating[:, None, :]
        rank = torch.arange(index.shape[1])
        drift = prior.drift * torch.exp(-(rank[:, None] - rank).abs() / prior.drift_length)
        similarity: Tensor | float = 0.0
        if unit is not None:
            vectors = unit[data.movie[rows]]
            similarity = vectors @ vectors.mT
        residual = (data.residual[rows] * is_rating)[:, :, None]
        for weight, weight_errors in zip(weights, errors, strict=True):
            covariance = (prior.mean + drift + weight * similarity) * both + torch.eye(index.shape[1])
            factor = torch.linalg.cholesky(covariance)
            z = torch.linalg.solve_triangular(factor, residual, upper=False)[:, :, 0]
            weight_errors.append((z * factor.diagonal(dim1=1, dim2=2))[is_target].double().numpy())
    return [np.concatenate([np.zeros(0), *batches]) for batches in errors]


def target_indices(windows: Windows) -> Int64[np.ndarray, " targets"]:
    """Return the indices of the windows' targets, in the order of ``prediction_errors``."""
    batches = (index[is_target].numpy() for index, is_target in _batches(windows))
    return np.concatenate([np.zeros(0, np.int64), *batches])


def _batches(windows: Windows) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(windows.rows), BATCH_SIZE):
        rows = windows.rows[start : start + BATCH_SIZE]
        is_target = windows.is_target[start : start + BATCH_SIZE]
        width = int((rows >= 0).sum(axis=1).max())
        yield torch.from_numpy(rows[:, :width]), torch.from_numpy(is_target[:, :width])


def probe_metrics(data: ProbeData, result: ProbeResult, baseline: ProbeResult, seed: int) -> dict[str, float]:
    """Return the RMSE on validation targets and training rows, and its difference to the baseline's.

    Args:
        data: residuals and targets.
        result: errors of a set of vectors.
        baseline: errors without vectors.
        seed: of the bootstrap over users for the paired 95 % intervals of the differences.
    """
    metrics = {"embedding_weight": result.embedding_weight}
    for name, windows, errors, baseline_errors in (
        ("val", data.val, result.val, baseline.val),
        ("one_step", data.one_step, result.one_step, baseline.one_step),
    ):
        squared = np.stack([errors, baseline_errors], axis=1) ** 2
        users = Clusters(data.user[target_indices(windows)])
        rmse, baseline_rmse = np.sqrt(bootstrap_means(users, squared, seed)).T
        low, high = percentile_interval(rmse - baseline_rmse)
        metrics[f"{name}_rmse"] = _mean_square(errors) ** 0.5
        metrics[f"{name}_rmse_diff_low"] = low
        metrics[f"{name}_rmse_diff_high"] = high
    return metrics


def _mean_square(errors: Errors) -> float:
    return float(np.mean(errors**2))


def _unit_vectors(vectors: Float32[np.ndarray, "movies dim"]) -> UnitVectors:
    rows = torch.from_numpy(vectors.astype(np.float64))
    return torch.nn.functional.normalize(rows, dim=1).float()
