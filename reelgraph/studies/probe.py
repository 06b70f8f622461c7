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

from reelgraph.evaluation.intervals import interval, resampled_means
from reelgraph.studies.residuals import Task, Windows

AT_ONCE = 256
TASTES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Shares of the taste that are tried; 0, which is no taste, is what they are compared with."""

Unit = Float32[Tensor, "movies dim"]
Errors = Float64[np.ndarray, " _"]


class Person(NamedTuple):
    """Variances of a person's mean and mood, noise having 1, and how many ratings a mood lasts."""

    mean: float
    mood: float
    lasts: float


PEOPLE = tuple(Person(*each) for each in product((0.1, 0.2, 0.4), (0.1, 0.2, 0.4), (5.0, 15.0)))


@dataclass(frozen=True)
class Probed:
    """Errors in stars of one set of vectors, the share of taste chosen on the training rows."""

    taste: float
    ahead: Errors
    val: Errors


def choose_person(task: Task) -> Person:
    """Return the person with the least squared error on the training rows when there is no taste."""
    return min(PEOPLE, key=lambda person: _square(errors(task, task.ahead, person, None, (0.0,))[0]))


def probe(task: Task, person: Person, vectors: Float32[np.ndarray, "movies dim"] | None) -> Probed:
    """Choose the share of taste on the training rows; return it with the errors there and on validation.

    Args:
        task: what is predicted.
        person: the same for every set.
        vectors: one row a movie; None: no taste at all.
    """
    unit = None if vectors is None else _unit(vectors)
    tastes = (0.0,) if unit is None else TASTES
    ahead = errors(task, task.ahead, person, unit, tastes)
    best = min(range(len(tastes)), key=lambda place: _square(ahead[place]))
    val = errors(task, task.val, person, unit, (tastes[best],))[0]
    return Probed(tastes[best], ahead[best], val)


def errors(
    task: Task, windows: Windows, person: Person, unit: Unit | None, tastes: Sequence[float]
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
        mood = person.mood * torch.exp(-(places[:, None] - places).abs() / person.lasts)
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


def predicted(windows: Windows) -> Int64[np.ndarray, " targets"]:
    """Return the indices of the ratings whose errors ``errors`` gives, in its order."""
    return np.concatenate([np.zeros(0, np.int64), *(index[m].numpy() for index, m in _batches(windows))])


def _batches(windows: Windows) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(windows.rows), AT_ONCE):
        rows, marks = (each[start : start + AT_ONCE] for each in (windows.rows, windows.marks))
        width = int((rows >= 0).sum(axis=1).max())
        yield torch.from_numpy(rows[:, :width]), torch.from_numpy(marks[:, :width])


def figures(task: Task, probed: Probed, none: Probed, seed: int) -> dict[str, float]:
    """Return RMSE on validation targets and training rows, and what either is beside none.

    Args:
        task: what was predicted.
        probed: errors of a set.
        none: errors without taste; RMSE minus its RMSE gets a paired 95 % interval over users.
        seed: of the bootstrap.
    """
    row = {"taste": probed.taste}
    for name, windows in (("val", task.val), ("ahead", task.ahead)):
        squared = np.stack([getattr(probed, name), getattr(none, name)], axis=1) ** 2
        own, other = np.sqrt(resampled_means(task.user[predicted(windows)], squared, seed)).T
        low, high = interval(own - other)
        row[f"{name}_rmse"] = _square(getattr(probed, name)) ** 0.5
        row |= {f"{name}_minus_none_low": low, f"{name}_minus_none_high": high}
    return row


def _square(errors: Errors) -> float:
    return float(np.mean(errors**2))


def _unit(vectors: Float32[np.ndarray, "movies dim"]) -> Unit:
    rows = torch.from_numpy(vectors.astype(np.float64))
    return torch.nn.functional.normalize(rows, dim=1).float()
