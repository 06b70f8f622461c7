"""Listwise logistic regression: which of many candidates a user watched, from a few features of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import log_softmax

L2 = 1e-3
"""Weight of the squared coefficients of standardised features."""
MAX_ITERATIONS = 100


@dataclass(frozen=True)
class Choices:
    """The candidates of some queries, of which one or more were watched."""

    features: Float32[np.ndarray, "queries candidates features"]
    log_weight: Float[np.ndarray, "queries candidates"]
    """Logarithm of the number of movies that a sampled candidate stands for; −∞ for none."""
    target: Float[np.ndarray, "queries candidates"]
    """Fraction of the query's watched movies: 1 / n for each of n, otherwise 0."""


def fit_listwise(choices: Choices, not_negative: Collection[int] = ()) -> Float[np.ndarray, " features"]:
    """Return the coefficients that maximise the mean log-likelihood of the watched movies.

    The likelihood is that of a softmax over all candidates, whose scores are features · coefficients.
    Features are standardised over all candidates, so that the penalty treats them alike.

    Args:
        choices: candidates of the queries.
        not_negative: columns of the features whose coefficients must not be negative.
    """
    # Imported here, as only the fit needs it.
    from scipy.optimize import minimize

    flat = choices.features.reshape(-1, choices.features.shape[-1])
    deviation = flat.std(axis=0, dtype=np.float64)
    deviation[deviation == 0] = 1
    flat = flat / deviation.astype(np.float32)
    n_queries = max(len(choices.features), 1)
    is_target = choices.target > 0

    def loss(coefficients: Float[np.ndarray, " features"]) -> tuple[float, Float[np.ndarray, " features"]]:
        scores = (flat @ coefficients.astype(np.float32)).reshape(choices.target.shape)
        log_probability = log_softmax(scores + choices.log_weight, axis=1)
        error = np.exp(log_probability) - choices.target
        likelihood = (choices.target[is_target] * log_probability[is_target]).sum()
        gradient = (error.astype(np.float32).reshape(-1) @ flat).astype(np.float64)
        penalty = L2 * (coefficients @ coefficients)
        return -likelihood / n_queries + penalty, gradient / n_queries + 2 * L2 * coefficients

    start = np.zeros(flat.shape[-1])
    bounds = [(0 if column in not_negative else None, None) for column in range(len(start))]
    result = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": MAX_ITERATIONS}
    )
    return result.x / deviation
