from __future__ import annotations

import numpy as np

from reelgraph.core.cooccurrence import cooccurrence_vectors


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
