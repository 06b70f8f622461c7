"""The initial factors of the Bayesian matrix factorization."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from reelgraph.raters.gp.principal_factors import damped_row_means, principal_factors

N_USERS = 400
N_MOVIES = 90


def test_damped_row_means_of_rows_with_and_without_entries() -> None:
    matrix = sp.csr_matrix(np.array([[30.0, 30.0, 0.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(damped_row_means(matrix), [60 / 17, 0.0])


def test_principal_factors_span_the_true_factors() -> None:
    rng = np.random.default_rng(3)
    true_factors = rng.normal(0, 1, (N_MOVIES, 2))
    stars = rng.normal(0, 1, (N_USERS, 2)) @ true_factors.T + rng.normal(0, 0.5, (N_USERS, N_MOVIES))
    ratings = sp.csr_matrix(stars * (rng.random(stars.shape) < 0.5))
    factors = principal_factors(ratings, damped_row_means(ratings.T.tocsr()), 2, 0)
    fitted = factors @ np.linalg.lstsq(factors, true_factors, rcond=None)[0]
    assert np.corrcoef(fitted.ravel(), true_factors.ravel())[0, 1] > 0.98
    second_moment = factors.T @ factors
    assert np.linalg.cond(second_moment) < 10


def test_principal_factors_of_fewer_users_than_factors_are_finite() -> None:
    ratings = sp.csr_matrix(np.array([[1.0, -1.0, 0.0, 0.5], [0.0, 1.0, -0.5, 0.0]]))
    factors = principal_factors(ratings, np.zeros(4), 3, 0)
    assert factors.shape == (4, 3)
    assert np.isfinite(factors).all()
    assert factors.any()
