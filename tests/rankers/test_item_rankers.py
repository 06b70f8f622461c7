"""The rankers with item weights against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from reelgraph.rankers import ease, item_knn, next_movie, rp3beta
from reelgraph.rankers.blend_items import fit_last_movie
from reelgraph.rankers.item_weights import (
    ItemWeightsRanker,
    cooccurrence_counts,
    inverse_diagonal,
    penalized_cholesky,
    penalized_inverse,
    solve_cholesky,
    symmetric_product,
)
from reelgraph.rankers.ranker import (
    LIKED_WEIGHT,
    RARITY_PENALTY,
    FittedRatings,
    RankerInputs,
    RankingQuery,
    frequent_movies,
    sample_users,
    watched_and_liked,
)
from reelgraph.rankers.registry import find_ranker
from reelgraph.runtime.errors import TrainingError
from tests.helpers.ranker_samples import planted_inputs, query

INPUTS = planted_inputs()


def watched(inputs: RankerInputs) -> np.ndarray:
    """Users × movies with at least five ratings."""
    matrix = np.zeros((inputs.ratings.user.max() + 1, inputs.ratings.n_movies))
    matrix[inputs.ratings.user, inputs.ratings.movie_row] = 1
    return matrix[:, frequent_movies(inputs.ratings)]


def test_ease_fit_solves_the_constrained_regression() -> None:
    x = watched(INPUTS)
    inverse = np.linalg.inv(x.T @ x + 50 * np.eye(x.shape[1]))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0)
    ranker = ease.fit(INPUTS, ease.Params(l2=50.0, decay=1.0))
    np.testing.assert_allclose(ranker.weights, expected, atol=1e-4)


@pytest.mark.parametrize("size", [1, 3, 25])
def test_symmetric_product_is_the_whole_product(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.rankers.item_weights.BLOCK_SIZE", 10)
    x = np.random.default_rng(0).integers(0, 2, (40, size)).astype(np.float32)
    weight = np.arange(40, dtype=np.float32)
    product = symmetric_product(csr_matrix(x), csr_matrix(weight[:, None] * x))
    np.testing.assert_allclose(product, x.T @ (weight[:, None] * x))


@pytest.mark.parametrize("size", [0, 1, 25])
def test_a_cholesky_factor_gives_solutions_and_the_inverse(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelgraph.rankers.item_weights.BLOCK_SIZE", 10)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, size)).astype(np.float32)
    gram = x.T @ x
    expected = np.linalg.inv(gram + 5 * np.eye(size))
    right = rng.normal(size=(size, 4)).astype(np.float32)
    np.testing.assert_allclose(penalized_inverse(gram, 5.0), expected, atol=1e-6)
    solution = solve_cholesky(penalized_cholesky(gram, 5.0), right)
    np.testing.assert_allclose(solution, expected @ right, atol=1e-6)
    diagonal = inverse_diagonal(penalized_cholesky(gram, 5.0))
    np.testing.assert_allclose(diagonal, np.diag(expected), atol=1e-6)


def test_scores_of_a_penalty_equal_those_of_the_fitted_weights() -> None:
    movies = frequent_movies(INPUTS.ratings)
    counts = cooccurrence_counts(INPUTS.ratings, movies)
    gram, cross = next_movie.sum_products(INPUTS.ratings, movies, 0.8, 50)
    histories = np.eye(len(movies), dtype=np.float32)[3:5] + np.eye(len(movies), dtype=np.float32)[7:9]
    ridge = next_movie.score_ridge(gram, cross, histories, 20.0)
    np.testing.assert_allclose(ridge, histories @ next_movie.solve_ridge(gram, cross, 20.0), atol=1e-5)
    scores = ease.score_ease(counts, histories, 50.0)
    np.testing.assert_allclose(scores, histories @ ease.solve_ease(counts, 50.0) - histories, atol=1e-5)


@pytest.mark.parametrize("exponent", [-30, -25, -24, -20, -15, -14, -5, 3])
def test_arrays_round_weights_to_half_precision(exponent: int) -> None:
    weights = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32) * np.float32(2.0**exponent)
    saved = ItemWeightsRanker(np.arange(50), weights, 1.0, 50).arrays()["weights"]
    np.testing.assert_array_equal(saved, weights.astype(np.float16))


def test_penalized_cholesky_refuses_a_penalty_below_the_precision() -> None:
    with pytest.raises(TrainingError, match=r"1e-12: .* Raise it\."):
        penalized_cholesky(np.ones((3, 3), np.float32), 1e-12)


def test_sum_products_of_no_ratings_are_zero() -> None:
    none = FittedRatings(*(np.empty(0, np.int64) for _ in range(3)), np.empty(0), 3)
    for products in next_movie.sum_products(none, np.arange(3), 0.8, 50):
        np.testing.assert_array_equal(products, np.zeros((3, 3)))


@pytest.mark.parametrize("length", [1, 3, 50])
def test_next_movie_fit_equals_a_regression_on_explicit_histories(length: int) -> None:
    ratings = INPUTS.ratings
    n = ratings.n_movies
    predictors, responses = [], []
    for i, (user, movie) in enumerate(zip(ratings.user, ratings.movie_row, strict=True)):
        x = np.zeros(n)
        for j in range(i - 1, max(i - 1 - length, -1), -1):
            if ratings.user[j] == user:
                x[ratings.movie_row[j]] += 0.8 ** (i - 1 - j)
        predictors.append(x)
        responses.append(np.eye(n)[movie])
    rows = frequent_movies(ratings)
    x, y = np.array(predictors)[:, rows], np.array(responses)[:, rows]
    expected = np.linalg.solve(x.T @ x + 20 * np.eye(len(rows)), x.T @ y)
    ranker = next_movie.fit(INPUTS, next_movie.Params(decay=0.8, length=length, l2=20.0))
    np.testing.assert_allclose(ranker.weights, expected, atol=1e-4)


def test_item_knn_fit_keeps_the_largest_shrunk_cosines() -> None:
    x = watched(INPUTS)
    counts = x.T @ x
    norm = np.sqrt(np.diag(counts))
    cosine = counts / (np.outer(norm, norm) + 7)
    np.fill_diagonal(cosine, 0)
    ranker = item_knn.fit(INPUTS, item_knn.Params(neighbours=3, shrinkage=7.0, decay=1.0))
    for column, expected in zip(ranker.weights.T, cosine.T, strict=True):
        np.testing.assert_allclose(np.sort(column)[-3:], np.sort(expected)[-3:], atol=1e-5)


def test_rp3beta_fit_multiplies_transition_probabilities() -> None:
    x = watched(INPUTS)
    to_user = (x / x.sum(axis=0)).T ** 0.8
    to_movie = (x / x.sum(axis=1, keepdims=True)) ** 0.8
    expected = to_user @ to_movie / x.sum(axis=0) ** 0.5
    np.fill_diagonal(expected, 0)
    ranker = rp3beta.fit(INPUTS, rp3beta.Params(alpha=0.8, beta=0.5, decay=1.0))
    np.testing.assert_allclose(ranker.weights, expected, rtol=1e-4, atol=1e-7)


def test_fit_last_movie_counts_what_follows() -> None:
    ratings = INPUTS.ratings
    counts = np.zeros((ratings.n_movies, ratings.n_movies))
    for i in range(1, len(ratings.user)):
        if ratings.user[i] == ratings.user[i - 1]:
            counts[ratings.movie_row[i - 1], ratings.movie_row[i]] += 1
    rows = frequent_movies(ratings)
    counts = counts[np.ix_(rows, rows)]
    ranker = fit_last_movie(ratings, rows)
    np.testing.assert_allclose(ranker.weights, counts / (counts.sum(axis=1, keepdims=True) + 5), rtol=1e-6)
    np.testing.assert_array_equal(ranker.score(query(5, 8)), ranker.score(query(8)))


def test_score_is_the_sum_of_contributions() -> None:
    ranker = ease.fit(INPUTS, ease.Params(l2=50.0, decay=0.9))
    history = query(5, 6, 8)
    scores = ranker.score(history)
    movies = np.array([0, 9, 30])
    summed = ranker.contributions(history, movies).sum(axis=1)
    np.testing.assert_allclose(summed, scores[movies], atol=1e-5)


def test_recent_popularity_score_counts_the_days_before_the_query() -> None:
    ratings = INPUTS.ratings
    ranker = find_ranker("recent_popularity", {"days": 2.0}).fit(INPUTS)
    recent = ratings.movie_row[ratings.timestamp > ratings.timestamp.max() - 2 * 86400]
    expected = np.bincount(recent, minlength=ratings.n_movies)
    assert np.floor(ranker.score(query())).tolist() == expected.tolist()


def test_sample_users_takes_whole_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.rankers.ranker.MAX_RATINGS", 100)
    sampled = sample_users(INPUTS.ratings, np.random.default_rng(0))
    assert len(sampled.user) == 96  # 8 users with 12 ratings
    assert (np.bincount(sampled.user)[np.unique(sampled.user)] == 12).all()


def test_watched_and_liked_multiplies_powers_of_the_probabilities() -> None:
    probabilities = np.zeros((3, 10))
    probabilities[0, 6] = 1  # 3.5 stars: not liked
    probabilities[1, [0, 7]] = 0.75, 0.25  # 0.5 or 4 stars
    probabilities[2, 9] = 1
    many = np.full(3, 10**9)
    scores = watched_and_liked(np.log([0.9, 0.4, 0.2]), probabilities, many)
    np.testing.assert_allclose(np.exp(scores), [0, 0.4 * 0.25**LIKED_WEIGHT, 0.2], rtol=1e-4, atol=1e-8)


def test_watched_and_liked_puts_known_movies_first() -> None:
    equal = watched_and_liked(np.zeros(3), np.full((3, 10), 0.1), np.array([0, 3, 10**9]))
    np.testing.assert_allclose(equal[2] - equal, [RARITY_PENALTY, RARITY_PENALTY / 2, 0], atol=1e-4)


def test_score_of_ratings_of_one_time_does_not_depend_on_their_order() -> None:
    ranker = fit_last_movie(INPUTS.ratings, frequent_movies(INPUTS.ratings))

    def score(history: list[int], rated_at: list[int] | None) -> np.ndarray:
        times = None if rated_at is None else np.array(rated_at)
        return ranker.score(RankingQuery(np.array(history), rated_at=times))

    of_one_time = score([2, 4, 6], [0, 7, 7])
    np.testing.assert_array_equal(score([2, 6, 4], [0, 7, 7]), of_one_time)
    np.testing.assert_allclose((score([4], None) + score([6], None)) / 2, of_one_time, rtol=1e-6)
    np.testing.assert_array_equal(score([2, 4, 6], [0, 7, 9]), score([2, 4, 6], None))
    many = np.repeat([4, 6], 1000)
    np.testing.assert_allclose(score(many.tolist(), [0] * 2000), of_one_time, rtol=1e-5)


def test_score_of_an_empty_history_is_zero() -> None:
    ranker = fit_last_movie(INPUTS.ratings, frequent_movies(INPUTS.ratings))
    empty = np.zeros(0, np.int64)
    assert not ranker.score(RankingQuery(empty, rated_at=empty)).any()
