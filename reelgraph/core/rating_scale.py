"""The rating scale, and all conversions between its three representations.

- stars: 0.5 … 5.0 (float), as users give them.
- half-star codes: 1 … 10 (uint8), stars × 2; exact, so that sums are integers.
- normalized ratings: 0 … 1 (float32), (stars − 0.5) / 4.5; input and output of the rater networks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:  # torch takes two seconds to import, and several stages do not need it
    import torch

MIN_STARS = 0.5
MAX_STARS = 5.0
STAR_STEP = 0.5
STAR_SPAN = MAX_STARS - MIN_STARS
N_CODES = 10
ROUNDING_THRESHOLDS = np.arange(MIN_STARS + STAR_STEP / 2, MAX_STARS, STAR_STEP)
"""Where rounding goes from one half star to the next: 0.75 … 4.75."""

Numbers = TypeVar("Numbers", np.ndarray, "torch.Tensor", float)
Arrays = TypeVar("Arrays", np.ndarray, "torch.Tensor")


def normalize_stars(stars: Numbers) -> Numbers:
    """Map stars in [0.5, 5] linearly to [0, 1]."""
    return (stars - MIN_STARS) / STAR_SPAN


def denormalize_stars(normalized: Numbers) -> Numbers:
    """Map [0, 1] linearly to stars in [0.5, 5]."""
    return normalized * STAR_SPAN + MIN_STARS


def codes_to_stars(codes: Numbers) -> Numbers:
    """Map half-star codes 1 … 10 to stars."""
    return codes * STAR_STEP


def mean_stars(probabilities: Float[np.ndarray, "n 10"]) -> Float[np.ndarray, " n"]:
    """Return the mean of each row of probabilities of the half stars 0.5 … 5."""
    return probabilities @ codes_to_stars(np.arange(1.0, N_CODES + 1))


def smallest_set(probabilities: Arrays, coverage: float) -> Arrays:
    """Return which half-star codes belong to the smallest set with a probability of at least ``coverage``.

    Codes join it by descending probability, the lower of equally probable ones first, until the set has the
    probability. For two separate modes it has a gap, where a central interval would hold what lies between.

    Args:
        probabilities: of the half-star codes 1 … 10, on the last axis.
        coverage: above 0, at most 1.
    """
    code = (probabilities * 0 + 1).cumsum(-1)
    earlier = probabilities * 0
    for index in range(N_CODES):
        other = probabilities[..., index : index + 1]
        is_earlier = (other > probabilities) | ((other == probabilities) & (code > index + 1))
        earlier = earlier + other * is_earlier
    return (earlier < coverage) & (probabilities > 0)
