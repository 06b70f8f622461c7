"""Two-dimensional layout of movie embeddings by PaCMAP (Wang, Huang, Rudin, Shaposhnik, JMLR 22, 2021).

Near pairs and mid-near pairs attract each other, and further pairs repel. All pairs are fixed before the
first step, so that the layout is a plain minimization and the same inputs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from reelgraph.core.seeds import generator

N_MID_NEAR = 5
N_FURTHER = 40
"""Mid-near and further pairs per movie. The paper has 20 further pairs; 40 preserve neighbours better."""
N_CANDIDATES = 6
"""The mid-near pair is the second nearest of this many random movies."""
STEPS = 450
LEARNING_RATE = 1.0
CHUNK = 1 << 12

UnitVectors = Float32[np.ndarray, "movies dim"]


@dataclass(frozen=True)
class Pairs:
    """Pairs of one type: ``partners[i]`` are those of movie i."""

    partners: Int64[Tensor, "movies k"]
    attraction: float
    """c of the loss w · d² / (c + d²); 0: the pairs repel, with the loss w / (1 + d²)."""


def pacmap_layout(
    unit: UnitVectors, neighbours: Int64[np.ndarray, "movies k"], seed: int
) -> Float32[np.ndarray, "movies 2"]:
    """Return the coordinates of each movie.

    Args:
        unit: unit vectors.
        neighbours: rows of the nearest movies of each movie.
        seed: root seed.
    """
    if len(unit) < 3:
        return np.zeros((len(unit), 2), np.float32)
    rng = generator(seed, "map")
    mid_near = _sample_mid_near(unit, rng)
    further = rng.integers(0, len(unit), (len(unit), N_FURTHER))
    pair_types = (
        Pairs(torch.from_numpy(neighbours), 10.0),
        Pairs(torch.from_numpy(mid_near), 10_000.0),
        Pairs(torch.from_numpy(further), 0.0),
    )
    return _minimize(torch.from_numpy(_initial_coordinates(unit)), pair_types).numpy().T


def _initial_coordinates(unit: UnitVectors) -> Float32[np.ndarray, "2 movies"]:
    """Return the first two principal components, scaled down, each with its largest loading positive."""
    centred = unit - unit.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    top = axes[:, :-3:-1]
    top = top * np.sign(top[np.abs(top).argmax(axis=0), [0, 1]])
    return np.ascontiguousarray((0.01 * (centred @ top)).T.astype(np.float32))


def _sample_mid_near(unit: UnitVectors, rng: np.random.Generator) -> Int64[np.ndarray, "movies mid_near"]:
    partners = np.empty((len(unit), N_MID_NEAR), np.int64)
    for start in range(0, len(unit), CHUNK):
        chunk = unit[start : start + CHUNK]
        for column in range(N_MID_NEAR):
            candidates = rng.integers(0, len(unit), (len(chunk), N_CANDIDATES))
            cosines = np.einsum("nd,ncd->nc", chunk, unit[candidates])
            second = np.argsort(-cosines, axis=1, kind="stable")[:, 1]
            partners[start : start + CHUNK, column] = candidates[np.arange(len(chunk)), second]
    return partners


def _weight_schedule() -> Iterator[tuple[float, float, float]]:
    """Yield the weights of near, mid-near and further pairs per step: first global, then local structure."""
    for step in range(STEPS):
        if step < 100:
            yield 2.0, 1000.0 * (1 - step / 100) + 3.0 * step / 100, 1.0
        elif step < 200:
            yield 3.0, 3.0, 1.0
        else:
            yield 1.0, 0.0, 1.0


def _minimize(
    coordinates: Float32[Tensor, "2 movies"], pair_types: tuple[Pairs, ...]
) -> Float32[Tensor, "2 movies"]:
    """Minimize the loss over all pairs at once with Adam (Kingma and Ba 2015)."""
    coordinates.requires_grad_()
    # Without fused=True, last digits of the first step differ in one process of thirty (torch 2.13).
    adam = torch.optim.Adam([coordinates], lr=LEARNING_RATE, eps=1e-7, fused=True)
    for weights in _weight_schedule():
        coordinates.grad = torch.zeros_like(coordinates)
        for pairs, weight in zip(pair_types, weights, strict=True):
            if weight:
                _add_gradient(coordinates.grad, coordinates.detach(), pairs, weight)
        adam.step()
    return coordinates.detach()


def _add_gradient(gradient: Tensor, coordinates: Tensor, pairs: Pairs, weight: float) -> None:
    """Add the gradient of pairs of one type, for both members of each pair."""
    differences = [axis[:, None] - axis[pairs.partners] for axis in coordinates]
    # The paper's distance is 1 + |a − b|².
    distance = 1 + differences[0].square() + differences[1].square()
    if pairs.attraction:
        slope = 2 * weight * pairs.attraction / (pairs.attraction + distance).square()
    else:
        slope = -2 * weight / (1 + distance).square()
    for axis_gradient, difference in zip(gradient, differences, strict=True):
        force = slope * difference
        axis_gradient += force.sum(dim=1)
        axis_gradient.index_add_(0, pairs.partners.reshape(-1), force.reshape(-1), alpha=-1)
