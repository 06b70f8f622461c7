"""Stars, half-star codes and scaled ratings: the only place that converts between them.

stars  0.5 … 5.0 (float), as people give them
code   1 … 10 (uint8), stars × 2: exact, so that sums are integers
scaled 0 … 1 (float32), (stars − 0.5) / 4.5: what the raters see and predict
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:  # torch takes two seconds to import, which stages that have none of it need not wait for
    import torch

LOWEST, HIGHEST, STEP = 0.5, 5.0, 0.5
SPAN = HIGHEST - LOWEST
N_CODES = 10

Numbers = TypeVar("Numbers", np.ndarray, "torch.Tensor", float)


def to_scaled(stars: Numbers) -> Numbers:
    """Map stars in [0.5, 5] linearly to [0, 1]."""
    return (stars - LOWEST) / SPAN


def from_scaled(scaled: Numbers) -> Numbers:
    """Map [0, 1] linearly to stars in [0.5, 5]."""
    return scaled * SPAN + LOWEST


def from_codes(codes: Numbers) -> Numbers:
    """Map half-star codes 1 … 10 to stars."""
    return codes * STEP
