"""Co-occurrence vectors and cross-fitted latent factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import (
    assign_folds,
    choose_latent_dim,
    fit_latent_factors,
)
from reelgraph.raters.gp.rating_table import RatingTable, all_ratings
from reelgraph.sequences.dataset import UserHistories


def test_fit_latent_factors_of_a_users_fold_do_not_depend_on_their_ratings(
    ratings: RatingTable, content: MovieContent
) -> None:
    user = 3
    before = fit_latent_factors(ratings, content.design_matrix(), 2, 0)
    stars = np.where(ratings.user == user, 5.5 - ratings.stars, ratings.stars)
    after = fit_latent_factors(replace(ratings, stars=stars), content.design_matrix(), 2, 0)
    folds = set(assign_folds(ratings, len(before.vectors))[ratings.user == user])
    assert len(folds) == 1
    is_equal = [bool((a == b).all()) for a, b in zip(before.vectors, after.vectors, strict=True)]
    assert {fold for fold, equal in enumerate(is_equal) if equal} == folds


@pytest.mark.parametrize(
    ("n_ratings", "n_movies", "largest", "expected"),
    [
        (100_000, 10_000, 24, 10),
        (1_000_000, 3_700, 24, 24),
        (30_000_000, 50_000, 24, 8),
        (0, 10, 24, 8),
        (900, 9, 2, 2),
    ],
)
def test_choose_latent_dim_grows_with_the_ratings_of_a_movie(
    n_ratings: int, n_movies: int, largest: int, expected: int
) -> None:
    assert choose_latent_dim(n_ratings, n_movies, largest) == expected


def test_assign_folds_gives_users_without_fitted_ratings_the_last_fold(user_histories: UserHistories) -> None:
    fit_end = user_histories.fit_end("train")
    fit_end[4] = user_histories.offsets[4]
    ratings = all_ratings(user_histories, fit_end)
    fold = assign_folds(ratings, 4)
    for user, user_id in enumerate(user_histories.user_id):
        alone = int(fold_of_users(np.array([user_id]), 4)[0])
        assert set(fold[ratings.user == user]) == {3 if user == 4 else alone}


@pytest.mark.parametrize("step", [1, 2, 10, 64, 1000])
def test_assign_folds_deals_users_evenly_whatever_their_ids_have_in_common(step: int) -> None:
    fold = fold_of_users(np.arange(7, 7 + 3000 * step, step), 11)
    counts = np.bincount(fold, minlength=10)
    assert len(counts) == 10
    assert counts.min() > 240  # 300 on average, with a standard deviation of 16
    assert counts.max() < 360


def fold_of_users(user_id: np.ndarray, n_sets: int) -> np.ndarray:
    """Return the folds of users with one fitted rating each."""
    n = len(user_id)
    ratings = RatingTable(
        offsets=np.arange(n + 1), movie=np.zeros(n, np.int64), stars=np.ones(n), time=np.zeros(n, np.int64),
        is_fitted=np.ones(n, bool), history_cap=np.arange(1, n + 1), rank=np.zeros(n), user_id=user_id,
    )  # fmt: skip
    return assign_folds(ratings, n_sets)
