"""Ratings of users with planted tastes, as rankers take them."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from reelgraph.rankers.ranker import FittedRatings, MovieContent, RankerInputs, RankingQuery

TASTES = 2
"""Users with an even number watch the first half of the movies, the others the second half."""


def planted_inputs(users: int = 60, movies: int = 40, length: int = 12) -> RankerInputs:
    """Each user watches neighbouring movies of one half, in ascending order, and one of the other half."""
    rng = np.random.default_rng(0)
    half = movies // TASTES
    rows = []
    for user in range(users):
        own = rng.integers(half) + np.arange(length - 1)
        other = rng.integers(half) + half * ((user + 1) % TASTES)
        rows.append(np.append(other, own % half + half * (user % TASTES)))
    movie_row = np.concatenate(rows)
    user = np.repeat(np.arange(users), length)
    ratings = FittedRatings(
        user=user,
        movie_row=movie_row,
        timestamp=np.arange(len(user)) * 3600,
        stars=np.full(len(user), 4.0),
        n_movies=movies,
    )
    text = rng.normal(size=(movies, 8)).astype(np.float32)
    year = np.where(np.arange(movies) == 3, np.nan, 1980.0 + np.arange(movies))
    entities = csr_matrix(np.eye(movies // 4)[np.arange(movies) // 4])
    content = MovieContent(text, year, entities)
    return RankerInputs(ratings, content, np.append(user[1:] != user[:-1], True), 5, 0)


def query(*movies: int) -> RankingQuery:
    """Return the query of a new user who has rated these movies."""
    return RankingQuery(np.array(movies, np.int64))
