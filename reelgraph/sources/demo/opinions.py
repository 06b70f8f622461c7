"""What people think of what they rate: state, drift, noise, rounding.

State of person p at time t: x_p(t) = (bias, tastes), a Gaussian random walk,
    x_p(first rating) ~ N(0, diag(PRIOR)),  x_p(t + d days) = x_p(t) + N(0, d · diag(DRIFT)).
Level of movie m for p at t, in stars:  z = mean_m + (1, factors_m) · x_p(t).
Rating:  the half star nearest to z + N(0, NOISE_SD²), clipped to 0.5 … 5.

Mean, spread and the smoothed histogram of stars are near MovieLens latest-small's.
Not matched: there whole stars are about twice as common as the half stars beside
them, which no rounding of a normal variable to the nearest half star gives.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from reelgraph.core.rating_scale import HIGHEST, LOWEST, STEP
from reelgraph.sources.demo.tastes import DIM
from reelgraph.sources.demo.viewing import DAY, Viewing

NOISE_SD = 0.68
"""Spread of one opinion about the same level, stars."""

BIAS_VARIANCE, TASTE_VARIANCE = 0.25, 0.32
"""Spread over people of their own level, and of what tastes add over ratings, stars²."""

DRIFT_A_YEAR = 0.35
"""Variance that a year of drift adds, as a share of the prior's."""

PRIOR = np.concatenate([[BIAS_VARIANCE], np.full(DIM, TASTE_VARIANCE)])
"""Variance of bias and tastes at a person's first rating; factors have a mean square norm of 1."""

DRIFT = PRIOR * DRIFT_A_YEAR / 365.25
"""Variance that a day adds."""


def levels(
    rng: np.random.Generator,
    viewing: Viewing,
    factors: Float64[np.ndarray, "movies dim"],
    movie_mean: Float64[np.ndarray, "movies"],
) -> Float64[np.ndarray, "ratings"]:
    """Draw the people's states and return the level of each rating, stars before noise."""
    state = _states(rng, viewing)
    taste = np.einsum("rd,rd->r", state[:, 1:], factors[viewing.movie])
    return movie_mean[viewing.movie] + state[:, 0] + taste


def _states(rng: np.random.Generator, viewing: Viewing) -> Float64[np.ndarray, "ratings state"]:
    """Draw bias and tastes of the person at each rating."""
    first, counts = viewing.offsets[:-1], np.diff(viewing.offsets)
    days = np.diff(viewing.timestamp, prepend=viewing.timestamp[:1]) / DAY
    days[first] = 0.0
    steps = rng.standard_normal((len(days), len(PRIOR))) * np.sqrt(days[:, None] * DRIFT)
    walk = np.cumsum(steps, axis=0)
    start = rng.standard_normal((len(first), len(PRIOR))) * np.sqrt(PRIOR)
    return walk + np.repeat(start - walk[first], counts, axis=0)


def rate(rng: np.random.Generator, level: Float64[np.ndarray, "ratings"]) -> Float64[np.ndarray, "ratings"]:
    """Add noise and round to half stars on the scale."""
    heard = level + NOISE_SD * rng.standard_normal(len(level))
    return np.clip(np.floor(heard / STEP + 0.5) * STEP, LOWEST, HIGHEST)
