"""Errors of predictions, in stars."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def mse(actual: Float[np.ndarray, "n"], predicted: Float[np.ndarray, "n"]) -> float:
    """Mean squared error, in stars²; float64 sums."""
    return float(np.mean(np.square(predicted.astype(np.float64) - actual)))


def rmse(actual: Float[np.ndarray, "n"], predicted: Float[np.ndarray, "n"]) -> float:
    """Root of the mean squared error, in stars."""
    return mse(actual, predicted) ** 0.5


def mae(actual: Float[np.ndarray, "n"], predicted: Float[np.ndarray, "n"]) -> float:
    """Mean absolute error, in stars; float64 sums."""
    return float(np.mean(np.abs(predicted.astype(np.float64) - actual)))
