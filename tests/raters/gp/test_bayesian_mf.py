"""The Bayesian matrix factorization on ratings from known factors."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from reelgraph.raters.gp import bayesian_mf
from reelgraph.raters.gp.bayesian_mf import fit_bayesian_mf

N_USERS = 300
N_MOVIES = 120
N_RATED = N_MOVIES - 3


@pytest.fixture(scope="module")
def synthetic() -> tuple[np.ndarray, ...]:
    """Users, movies, stars, design matrix and the two true factors, which follow from three genres; 3 unrated."""
    rng = np.random.default_rng(1)
    genre = np.eye(3)[np.arange(N_MOVIES) % 3]
    factors = genre @ rng.normal(0, 1, (3, 2)) + rng.normal(0, 0.3, (N_MOVIES, 2))
    user_factors = rng.normal(0, 1, (N_USERS, 2))
    user, movie = np.nonzero(rng.random((N_USERS, N_RATED)) < 0.3)
    noise = rng.normal(0, 0.5, len(user))
    stars = 3.5 + (user_factors[user] * factors[movie]).sum(axis=1) + noise
    return user, movie, stars, sp.csr_matrix(genre), factors


def test_fit_bayesian_mf_recovers_the_movies_dot_products(synthetic) -> None:
    *data, true_factors = synthetic
    factors, variance = fit_bayesian_mf(*data, 2, 0)
    products = factors[:N_RATED] @ factors[:N_RATED].T
    true_products = true_factors[:N_RATED] @ true_factors[:N_RATED].T
    assert np.corrcoef(products.ravel(), true_products.ravel())[0, 1] > 0.98
    assert np.abs(products - true_products).mean() < 0.3 * np.abs(true_products).mean()
    assert 0 < variance[:N_RATED].max() < 0.1


def test_fit_bayesian_mf_predicts_an_unrated_movie_from_its_content(synthetic) -> None:
    *data, true_factors = synthetic
    factors, variance = fit_bayesian_mf(*data, 2, 0)
    products = factors[:N_RATED] @ factors[N_RATED:].T
    true_products = true_factors[:N_RATED] @ true_factors[N_RATED:].T
    assert np.corrcoef(products.ravel(), true_products.ravel())[0, 1] > 0.9
    assert variance[N_RATED:].min() > 2 * variance[:N_RATED].max()


def test_fit_bayesian_mf_shrinks_factors_that_explain_nothing(synthetic) -> None:
    user, movie, stars, design_matrix, _ = synthetic
    noise = 3.5 + np.random.default_rng(2).normal(0, 0.5, len(stars))
    factors, _ = fit_bayesian_mf(user, movie, stars, design_matrix, 6, 0)
    noise_factors, _ = fit_bayesian_mf(user, movie, noise, design_matrix, 6, 0)
    assert (noise_factors**2).sum(axis=1).mean() < 0.05 * (factors**2).sum(axis=1).mean()


def test_fit_bayesian_mf_counts_every_rating_of_a_movie_by_one_user(synthetic) -> None:
    user, movie, stars, design_matrix, _ = synthetic
    times = np.where(movie < 20, 8, 1)
    repeated = [np.repeat(values, times) for values in (user, movie, stars)]
    _, variance = fit_bayesian_mf(user, movie, stars, design_matrix, 2, 0)
    _, repeated_variance = fit_bayesian_mf(*repeated, design_matrix, 2, 0)
    assert repeated_variance[:20].mean() < 0.3 * variance[:20].mean()
    assert repeated_variance[20:N_RATED].mean() > 0.6 * variance[20:N_RATED].mean()


def test_fit_bayesian_mf_without_ratings_returns_zeros(synthetic) -> None:
    none = np.zeros(0, np.int64)
    factors, variance = fit_bayesian_mf(none, none, np.zeros(0), synthetic[3], 2, 0)
    assert not factors.any()
    assert not variance.any()


def test_fit_bayesian_mf_on_equal_ratings_returns_almost_zeros(synthetic) -> None:
    user, movie, stars, design_matrix, _ = synthetic
    factors, variance = fit_bayesian_mf(user, movie, np.full(len(stars), 4.0), design_matrix, 2, 0)
    assert np.isfinite(factors).all()
    assert np.abs(factors).max() < 0.01
    assert variance.max() < 0.01


def test_fit_bayesian_mf_needs_few_iterations(synthetic, monkeypatch) -> None:
    *data, true_factors = synthetic
    monkeypatch.setattr(bayesian_mf, "MAX_ITERATIONS", bayesian_mf.MIN_ITERATIONS)
    factors, _ = fit_bayesian_mf(*data, 2, 0)
    products = factors[:N_RATED] @ factors[:N_RATED].T
    true_products = true_factors[:N_RATED] @ true_factors[:N_RATED].T
    assert np.corrcoef(products.ravel(), true_products.ravel())[0, 1] > 0.98
