"""train_ranker: the weights of EASE between the most rated movies."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from bench.comparison_worker import SideResult
from bench.synthetic_data import FULL_RATINGS, histories, movies_for
from reelgraph.rankers import ease
from reelgraph.rankers.io import ranker_inputs
from reelgraph.rankers.item_weights import ItemWeightsRanker
from reelgraph.rankers.ranker import MovieContent, RankerInputs, frequent_movies

COUNTS = "ratings"
GOAL = 60
"""Seconds at the full size."""
SIZES = {"small": (50_000, 100_000, 200_000), "full": (1_500_000, 4_500_000, FULL_RATINGS)}
L2 = 300.0


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead."""


def inputs_of(size: int) -> RankerInputs:
    """Return the ratings that both sides are fitted on."""
    n_movies = movies_for(size)
    content = MovieContent(
        np.zeros((n_movies, 1), np.float32), np.full(n_movies, np.nan), csr_matrix((n_movies, 1))
    )
    return ranker_inputs(histories(size, n_movies, 5), content, "train", 1)


def fit_ease(inputs: RankerInputs) -> ItemWeightsRanker:
    """Fit as stage train_ranker does, with one thread."""
    with threadpool_limits(1):
        return ease.fit(inputs, ease.Params(l2=L2, decay=1.0))


def reference(folder: Path, size: int) -> SideResult:
    """Invert the damped counts of common users, in double precision, as the paper has it."""
    ratings = inputs_of(size).ratings
    start = time.perf_counter()
    movies = frequent_movies(ratings)
    users, number = np.unique(ratings.user, return_inverse=True)
    ones = np.ones(len(number))
    watched = csr_matrix((ones, (number, ratings.movie_row)), (len(users), ratings.n_movies))[:, movies]
    gram = (watched.T @ watched).toarray() + L2 * np.eye(len(movies))
    inverse = np.linalg.inv(gram)
    weights = np.eye(len(movies)) - inverse / np.diag(inverse)
    return SideResult([time.perf_counter() - start], {"weights": weights})


def reelgraph(folder: Path, size: int) -> SideResult:
    """Fit the ranker."""
    inputs = inputs_of(size)
    start = time.perf_counter()
    ranker = fit_ease(inputs)
    return SideResult([time.perf_counter() - start], {"weights": np.asarray(ranker.weights)})


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """The same weights, to single precision."""
    np.testing.assert_allclose(reelgraph["weights"], reference["weights"], atol=1e-4)
