from __future__ import annotations

import numpy as np

from reelgraph.core.cooccurrence import MOVIE_DAMPING, USER_DAMPING, cooccurrence_vectors


def test_cooccurrence_vectors_of_movies_with_the_same_users_are_similar() -> None:
    rng = np.random.default_rng(0)
    n_users = 60
    length = 8
    movie = np.concatenate(
        [rng.choice(10, length, replace=False) + 10 * (user % 2) for user in range(n_users)]
    )
    vectors = cooccurrence_vectors(np.repeat(np.arange(n_users), length), movie, (n_users, 21), 3)
    within = (vectors[:10] @ vectors[:10].T).mean()
    across = (vectors[:10] @ vectors[10:20].T).mean()
    assert within > 1e-6 > across
    assert not vectors[20].any()


def test_cooccurrence_vectors_of_one_user_are_zero() -> None:
    assert not cooccurrence_vectors(np.zeros(3, np.int64), np.arange(3), (1, 3), 2).any()


def test_cooccurrence_vectors_are_singular_vectors() -> None:
    rng = np.random.default_rng(1)
    n_users, n_movies = 300, 80
    tastes = rng.integers(4, size=n_users)
    rated = rng.random((n_users, n_movies)) < np.where(tastes[:, None] == np.arange(n_movies) % 4, 0.5, 0.1)
    user, movie = np.nonzero(rated)
    vectors = cooccurrence_vectors(user, movie, rated.shape, 3)
    damped_users = rated.sum(axis=1, keepdims=True) + USER_DAMPING
    damped_movies = rated.sum(axis=0, keepdims=True) + MOVIE_DAMPING
    _, singular_values, right = np.linalg.svd(rated / np.sqrt(damped_users * damped_movies))
    expected = right[1:4].T * np.sqrt(singular_values[1:4])
    unit = [matrix / np.linalg.norm(matrix, axis=1, keepdims=True) for matrix in (vectors, expected)]
    np.testing.assert_allclose(unit[0] @ unit[0].T, unit[1] @ unit[1].T, atol=1e-3)
