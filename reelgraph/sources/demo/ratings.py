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

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.sources.demo.exposure import SECONDS_PER_DAY, Exposure
from reelgraph.sources.demo.latent_factors import LATENT_DIM

NOISE_STD = 0.68
"""Spread of one opinion about the same level, stars."""

BIAS_VARIANCE, TASTE_VARIANCE = 0.25, 0.32
"""Spread over people of their own level, and of what tastes add over ratings, stars²."""

DRIFT_A_YEAR = 0.35
"""Variance that a year of drift adds, as a share of the prior's."""

PRIOR_VARIANCE = np.concatenate([[BIAS_VARIANCE], np.full(LATENT_DIM, TASTE_VARIANCE)])
"""Variance of bias and tastes at a person's first rating; factors have a mean square norm of 1."""

DRIFT_PER_DAY = PRIOR_VARIANCE * DRIFT_A_YEAR / 365.25
"""Variance that a day adds."""


def expected_ratings(
    rng: np.random.Generator,
    viewing: Exposure,
    factors: Float64[np.ndarray, "movies dim"],
    movie_mean: Float64[np.ndarray, "movies"],
) -> Float64[np.ndarray, "ratings"]:
    """Draw the people's states and return the level of each rating, stars before noise."""
    state = _states(rng, viewing)
    taste = np.einsum("rd,rd->r", state[:, 1:], factors[viewing.movie])
    return movie_mean[viewing.movie] + state[:, 0] + taste


def _states(rng: np.random.Generator, viewing: Exposure) -> Float64[np.ndarray, "ratings state"]:
    """Draw bias and tastes of the person at each rating."""
    first, counts = viewing.offsets[:-1], np.diff(viewing.offsets)
    days = np.diff(viewing.timestamp, prepend=viewing.timestamp[:1]) / SECONDS_PER_DAY
    days[first] = 0.0
    steps = rng.standard_normal((len(days), len(PRIOR_VARIANCE))) * np.sqrt(days[:, None] * DRIFT_PER_DAY)
    walk = np.cumsum(steps, axis=0)
    start = rng.standard_normal((len(first), len(PRIOR_VARIANCE))) * np.sqrt(PRIOR_VARIANCE)
    return walk + np.repeat(start - walk[first], counts, axis=0)


def add_noise_and_round(
    rng: np.random.Generator, level: Float64[np.ndarray, "ratings"]
) -> Float64[np.ndarray, "ratings"]:
    """Add noise and round to half stars on the scale."""
    heard = level + NOISE_STD * rng.standard_normal(len(level))
    return np.clip(np.floor(heard / STAR_STEP + 0.5) * STAR_STEP, MIN_STARS, MAX_STARS)
