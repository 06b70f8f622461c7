"""Some of many targets or users, where all would take too long."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64


def some(
    values: Int64[np.ndarray, " all"], most: int, draw: np.random.Generator
) -> Int64[np.ndarray, " some"]:
    """Return all values, or, where there are more, ``most`` of them, drawn without replacement, in order."""
    return values if len(values) <= most else np.sort(draw.choice(values, most, replace=False))
