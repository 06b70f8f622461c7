"""UserHistories whose ratings follow two tastes, so that what there is to find is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import random_histories

MOVIES = 60


def planted_histories(seed: int, users: int = 300) -> UserHistories:
    """Stars = 2.75 + taste · kind, rounded to half stars: two kinds of movies, loved or hated; no biases."""
    draw = np.random.default_rng(seed)
    h = random_histories(seed, users, MOVIES, 40)
    for user in range(users):  # nobody rates a movie twice
        start, end = h.offsets[user : user + 2]
        h.movie_row[start:end] = draw.permutation(MOVIES)[: end - start]
    taste, kind = draw.choice([-1, 1], (users, 2)), draw.normal(0, 0.8, (MOVIES, 2))
    user = h.users_of(np.arange(len(h.half_star_code)))
    stars = 2.75 + (taste[user] * kind[h.movie_row]).sum(axis=1)
    return replace(h, half_star_code=np.clip(np.rint(stars * 2), 1, 10).astype(np.uint8))
