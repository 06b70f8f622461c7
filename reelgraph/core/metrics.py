"""Errors of predicted ratings, in stars. A module of its own: every kind of evaluation imports it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def mse(actual: Float[np.ndarray, "n"], predicted: Float[np.ndarray, "n"]) -> float:
    """Return the mean squared error, in stars²; sums are float64."""
    return float(np.mean(np.square(predicted.astype(np.float64) - actual)))


def rmse(actual: Float[np.ndarray, "n"], predicted: Float[np.ndarray, "n"]) -> float:
    """Return the root mean squared error, in stars."""
    return mse(actual, predicted) ** 0.5


def mae(actual: Float[np.ndarray, "n"], predicted: Float[np.ndarray, "n"]) -> float:
    """Return the mean absolute error, in stars; sums are float64."""
    return float(np.mean(np.abs(predicted.astype(np.float64) - actual)))
