"""Movies in the plane, neighbours near each other: PaCMAP (Wang, Huang, Rudin, Shaposhnik, JMLR 22, 2021).

Three kinds of pairs pull or push: nearest neighbours, a few pairs at middle distance, which keep the large
picture, and pairs drawn at random. All pairs are fixed before the first step, so that a layout is a plain
minimisation: the same inputs give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from reelgraph.core.seeds import generator

MIDDLE, FAR = 5, 40
"""Pairs a movie at middle distance and at random; the paper has 20 random ones, 40 keep neighbours better."""
CANDIDATES = 6
"""A middle pair is the second nearest of so many movies drawn at random."""
STEPS = 450
LEARNING_RATE = 1.0
CHUNK = 1 << 12

Unit = Float32[np.ndarray, "movies dim"]
Places = Float32[np.ndarray, "movies 2"]


@dataclass(frozen=True)
class Pairs:
    """Pairs of one kind: ``other[i]`` are those of movie i; loss w · d² / (c + d²), or w / (1 + d²)."""

    other: Int64[Tensor, "movies k"]
    constant: float
    """c of the loss; 0: the pairs push, with loss w / (1 + d²)."""


def pacmap_layout(unit: Unit, neighbours: Int64[np.ndarray, "movies k"], seed: int) -> Places:
    """Return a place for each movie.

    Args:
        unit: vectors of length 1.
        neighbours: rows of each movie's nearest movies.
        seed: root seed.
    """
    if len(unit) < 3:
        return np.zeros((len(unit), 2), np.float32)
    draw = generator(seed, "map")
    kinds = (
        Pairs(torch.from_numpy(neighbours), 10.0),
        Pairs(torch.from_numpy(_middle(unit, draw)), 10_000.0),
        Pairs(torch.from_numpy(draw.integers(0, len(unit), (len(unit), FAR))), 0.0),
    )
    return _minimised(torch.from_numpy(_principal(unit)), kinds).numpy().T


def _principal(unit: Unit) -> Float32[np.ndarray, "2 movies"]:
    """Return the first two principal components, small, each with its largest loading positive."""
    centred = unit - unit.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    chosen = axes[:, :-3:-1]
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), [0, 1]])
    return np.ascontiguousarray((0.01 * (centred @ chosen)).T.astype(np.float32))


def _middle(unit: Unit, draw: np.random.Generator) -> Int64[np.ndarray, "movies middle"]:
    found = np.empty((len(unit), MIDDLE), np.int64)
    for start in range(0, len(unit), CHUNK):
        part = unit[start : start + CHUNK]
        for column in range(MIDDLE):
            drawn = draw.integers(0, len(unit), (len(part), CANDIDATES))
            cosine = np.einsum("nd,ncd->nc", part, unit[drawn])
            second = np.argsort(-cosine, axis=1, kind="stable")[:, 1]
            found[start : start + CHUNK, column] = drawn[np.arange(len(part)), second]
    return found


def _weights() -> Iterator[tuple[float, float, float]]:
    """Yield the weights of the three kinds, a step each: first the large picture, last the neighbours."""
    for step in range(STEPS):
        if step < 100:
            yield 2.0, 1000.0 * (1 - step / 100) + 3.0 * step / 100, 1.0
        elif step < 200:
            yield 3.0, 3.0, 1.0
        else:
            yield 1.0, 0.0, 1.0


def _minimised(places: Float32[Tensor, "2 movies"], kinds: tuple[Pairs, ...]) -> Float32[Tensor, "2 movies"]:
    """Descend by Adam (Kingma and Ba 2015) over all pairs at once."""
    places.requires_grad_()
    adam = torch.optim.Adam([places], lr=LEARNING_RATE, eps=1e-7)
    for weights in _weights():
        places.grad = torch.zeros_like(places)
        for pairs, weight in zip(kinds, weights, strict=True):
            if weight:
                _add_gradient(places.grad, places.detach(), pairs, weight)
        adam.step()
    return places.detach()


def _add_gradient(into: Tensor, places: Tensor, pairs: Pairs, weight: float) -> None:
    """Add the gradient of one kind of pairs, to both ends of each."""
    apart = [axis[:, None] - axis[pairs.other] for axis in places]
    # The paper's distance is 1 + |a − b|².
    distance = 1 + apart[0].square() + apart[1].square()
    if pairs.constant:
        slope = 2 * weight * pairs.constant / (pairs.constant + distance).square()
    else:
        slope = -2 * weight / (1 + distance).square()
    for axis, along in zip(into, apart, strict=True):
        force = slope * along
        axis += force.sum(dim=1)
        axis.index_add_(0, pairs.other.reshape(-1), force.reshape(-1), alpha=-1)
