"""The rating scale, and all conversions between its three representations.

- stars: 0.5 … 5.0 (float), as users give them.
- half-star codes: 1 … 10 (uint8), stars × 2; exact, so that sums are integers.
- normalized ratings: 0 … 1 (float32), (stars − 0.5) / 4.5; input and output of the rater networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:  # torch takes two seconds to import, and several stages do not need it
    import torch

MIN_STARS = 0.5
MAX_STARS = 5.0
STAR_STEP = 0.5
STAR_SPAN = MAX_STARS - MIN_STARS
N_CODES = 10

Numbers = TypeVar("Numbers", np.ndarray, "torch.Tensor", float)


def normalize_stars(stars: Numbers) -> Numbers:
    """Map stars in [0.5, 5] linearly to [0, 1]."""
    return (stars - MIN_STARS) / STAR_SPAN


def denormalize_stars(normalized: Numbers) -> Numbers:
    """Map [0, 1] linearly to stars in [0.5, 5]."""
    return normalized * STAR_SPAN + MIN_STARS


def codes_to_stars(codes: Numbers) -> Numbers:
    """Map half-star codes 1 … 10 to stars."""
    return codes * STAR_STEP


def central_interval(
    probabilities: Float[np.ndarray, "*shape codes"], coverage: float
) -> tuple[Int[np.ndarray, "*shape"], Int[np.ndarray, "*shape"]]:
    """Return the lowest and the highest half-star code of the central interval.

    It goes from the first code whose cumulative probability exceeds (1 − coverage) / 2 to the first whose
    cumulative probability reaches (1 + coverage) / 2.

    Args:
        probabilities: of the half-star codes 1 … 10, on the last axis.
        coverage: nominal coverage, 0 to 1.
    """
    cumulative = np.cumsum(probabilities, axis=-1)
    low = (cumulative <= (1 - coverage) / 2).sum(axis=-1) + 1
    high = np.minimum((cumulative < (1 + coverage) / 2).sum(axis=-1) + 1, N_CODES)
    return np.asarray(low), np.asarray(high)
