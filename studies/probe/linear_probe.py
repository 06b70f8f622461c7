"""A linear probe of what movie vectors tell of tastes.

A person's residuals are mean + mood + taste · vector + noise, all Gaussian: ridge regression on the unit
vectors, seen as a Gaussian process. Of noise's variance, the mean has a share, the mood another that decays
with the number of ratings between, and the taste the share that is chosen for each set of vectors.
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

from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval
from studies.probe.probe_data import ProbeData, Windows

BATCH_SIZE = 256
EMBEDDING_WEIGHTS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Shares of the taste that are tried; 0, which is no taste, is what they are compared with."""

Unit = Float32[Tensor, "movies dim"]
Errors = Float64[np.ndarray, " _"]


class UserPrior(NamedTuple):
    """Variances of a person's mean and mood, noise having 1, and how many ratings a mood lasts."""

    mean: float
    drift: float
    drift_length: float


USER_PRIORS = tuple(UserPrior(*each) for each in product((0.1, 0.2, 0.4), (0.1, 0.2, 0.4), (5.0, 15.0)))


@dataclass(frozen=True)
class ProbeResult:
    """Errors in stars of one set of vectors, the share of taste chosen on the training rows."""

    embedding_weight: float
    one_step: Errors
    val: Errors


def select_user_prior(task: ProbeData) -> UserPrior:
    """Return the person with the least squared error on the training rows when there is no taste."""
    return min(
        USER_PRIORS,
        key=lambda person: _square(prediction_errors(task, task.one_step, person, None, (0.0,))[0]),
    )


def fit_probe(
    task: ProbeData, person: UserPrior, vectors: Float32[np.ndarray, "movies dim"] | None
) -> ProbeResult:
    """Choose the share of taste on the training rows; return it with the errors there and on validation.

    Args:
        task: what is predicted.
        person: the same for every set.
        vectors: one row a movie; None: no taste at all.
    """
    unit = None if vectors is None else _unit(vectors)
    tastes = (0.0,) if unit is None else EMBEDDING_WEIGHTS
    ahead = prediction_errors(task, task.one_step, person, unit, tastes)
    best = min(range(len(tastes)), key=lambda place: _square(ahead[place]))
    val = prediction_errors(task, task.val, person, unit, (tastes[best],))[0]
    return ProbeResult(tastes[best], ahead[best], val)


def prediction_errors(
    task: ProbeData, windows: Windows, person: UserPrior, unit: Unit | None, tastes: Sequence[float]
) -> list[Errors]:
    """Return, for each share of taste, the errors of the windows' marked ratings.

    With K = L Lᵀ the covariance of a window and z = L⁻¹ r, the error of rating i given those before it is
    L_ii z_i: all of a window are predicted by one factorisation.
    """
    found: list[list[np.ndarray]] = [[] for _ in tastes]
    for index, marks in _batches(windows):
        real = index >= 0
        rows = index.clamp(min=0)
        both = real[:, :, None] & real[:, None, :]
        places = torch.arange(index.shape[1])
        mood = person.drift * torch.exp(-(places[:, None] - places).abs() / person.drift_length)
        alike: Tensor | float = 0.0
        if unit is not None:
            rated = unit[task.movie[rows]]
            alike = rated @ rated.mT
        for taste, errors in zip(tastes, found, strict=True):
            covariance = (person.mean + mood + taste * alike) * both + torch.eye(index.shape[1])
            factor = torch.linalg.cholesky(covariance)
            residual = (task.residual[rows] * real)[:, :, None]
            z = torch.linalg.solve_triangular(factor, residual, upper=False)[:, :, 0]
            errors.append((z * factor.diagonal(dim1=1, dim2=2))[marks].double().numpy())
    return [np.concatenate([np.zeros(0), *errors]) for errors in found]


def target_indices(windows: Windows) -> Int64[np.ndarray, " targets"]:
    """Return the indices of the ratings whose errors ``errors`` gives, in its order."""
    return np.concatenate([np.zeros(0, np.int64), *(index[m].numpy() for index, m in _batches(windows))])


def _batches(windows: Windows) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(windows.rows), BATCH_SIZE):
        rows, marks = (each[start : start + BATCH_SIZE] for each in (windows.rows, windows.is_target))
        width = int((rows >= 0).sum(axis=1).max())
        yield torch.from_numpy(rows[:, :width]), torch.from_numpy(marks[:, :width])


def probe_metrics(task: ProbeData, probed: ProbeResult, none: ProbeResult, seed: int) -> dict[str, float]:
    """Return RMSE on validation targets and training rows, and what either is beside none.

    Args:
        task: what was predicted.
        probed: errors of a set.
        none: errors without taste; RMSE minus its RMSE gets a paired 95 % interval over users.
        seed: of the bootstrap.
    """
    row = {"embedding_weight": probed.embedding_weight}
    for name, windows in (("val", task.val), ("one_step", task.one_step)):
        squared = np.stack([getattr(probed, name), getattr(none, name)], axis=1) ** 2
        own, other = np.sqrt(bootstrap_means(task.user[target_indices(windows)], squared, seed)).T
        low, high = percentile_interval(own - other)
        row[f"{name}_rmse"] = _square(getattr(probed, name)) ** 0.5
        row |= {f"{name}_rmse_diff_ci_low": low, f"{name}_rmse_diff_ci_high": high}
    return row


def _square(errors: Errors) -> float:
    return float(np.mean(errors**2))


def _unit(vectors: Float32[np.ndarray, "movies dim"]) -> Unit:
    rows = torch.from_numpy(vectors.astype(np.float64))
    return torch.nn.functional.normalize(rows, dim=1).float()
