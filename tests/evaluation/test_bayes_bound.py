"""The bound: known answers of the filter and of the expectation, order of the errors, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.evaluation.bayes_bound import ROUNDING_VARIANCE, bayes_predictions, expected_stars
from reelgraph.params.data import Demo
from reelgraph.runtime.errors import ArtifactError
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sources.demo.generate import DemoData, generate_demo

NONE = np.zeros(0, np.int64)


def demo_histories(data: DemoData) -> UserHistories:
    """Return the demo's ratings with everybody's last as test target."""
    ratings, offsets = data.ratings, data.truth["offsets"]
    row = np.searchsorted(data.truth["movie_id"], ratings["movieId"].to_numpy())
    return UserHistories(
        user_id=data.truth["user_id"], offsets=offsets, movie_row=row.astype(np.int32),
        half_star_code=(ratings["rating"].to_numpy() * 2).astype(np.uint8),
        timestamp=ratings["timestamp"].to_numpy(), train_end=offsets[1:] - 1,
        val_end=offsets[1:] - 1, history_cap=offsets[1:],
        train=NONE, val=NONE, test=offsets[1:] - 1,
    )  # fmt: skip


def sample_users(histories: UserHistories, users: np.ndarray) -> UserHistories:
    """Keep subset users, as ``sequences.sample_users`` does."""
    counts = np.diff(histories.offsets)
    keep = np.isin(np.repeat(np.arange(len(counts)), counts), users)
    offsets = np.concatenate([[0], np.cumsum(counts[users])])
    return replace(
        histories, user_id=histories.user_id[users], offsets=offsets, movie_row=histories.movie_row[keep],
        half_star_code=histories.half_star_code[keep], timestamp=histories.timestamp[keep], train_end=offsets[1:] - 1,
        val_end=offsets[1:] - 1, history_cap=offsets[1:], test=offsets[1:] - 1,
    )  # fmt: skip


def rmse(prediction: np.ndarray, stars: np.ndarray) -> float:
    return float(np.sqrt(np.mean((prediction - stars) ** 2)))


def conditioned(truth: dict[str, np.ndarray], histories: UserHistories, user: int) -> float:
    """Predict a person's last rating by conditioning the joint normal distribution of all of them."""
    ratings_of_user = slice(*histories.offsets[user : user + 2])
    row, days = histories.movie_row[ratings_of_user], histories.timestamp[ratings_of_user] / 86_400
    observation = np.column_stack([np.ones(len(row)), truth["factors"][row]])
    elapsed = np.minimum.outer(days, days) - days[0]
    state = truth["prior_variance"] + elapsed[:, :, None] * truth["drift_per_day"]
    joint = np.einsum("is,js,ijs->ij", observation, observation, state)
    noise = float(truth["noise_sd"][0]) ** 2
    innovation = histories.half_star_code[ratings_of_user][:-1] / 2 - truth["movie_mean"][row[:-1]]
    gain = np.linalg.solve(
        joint[:-1, :-1] + (noise + ROUNDING_VARIANCE) * np.eye(len(row) - 1), joint[:-1, -1]
    )
    mean = truth["movie_mean"][row[-1]] + gain @ innovation
    variance = joint[-1, -1] - gain @ joint[:-1, -1] + noise
    return float(expected_stars(np.array([mean]), np.sqrt(np.array([variance])))[0])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_bayes_predictions_equal_gaussian_conditioning(seed: int) -> None:
    data = generate_demo(Demo(users=5, movies=60, mean_ratings=25, max_ratings=40), seed)
    histories = demo_histories(data)
    result = bayes_predictions(data.truth, histories, data.truth["movie_id"]).posterior
    expected = [conditioned(data.truth, histories, user) for user in range(5)]
    np.testing.assert_allclose(result, expected, rtol=1e-8)


def test_bayes_predictions_without_history() -> None:
    data = generate_demo(Demo(users=3, movies=5, mean_ratings=1, max_ratings=1), 1)
    histories, truth = demo_histories(data), data.truth
    row = histories.movie_row
    observation = np.column_stack([np.ones(3), truth["factors"][row]])
    std = np.sqrt((observation**2 * truth["prior_variance"]).sum(axis=1) + truth["noise_sd"][0] ** 2)
    result = bayes_predictions(truth, histories, truth["movie_id"])
    np.testing.assert_allclose(result.posterior, expected_stars(truth["movie_mean"][row], std))


@pytest.mark.parametrize("mean", [-1.0, 0.6, 2.9, 4.4, 7.0])
@pytest.mark.parametrize("std", [0.05, 0.7, 2.0])
def test_expected_stars_agree_with_simulation(mean: float, std: float) -> None:
    sampled_ratings = mean + std * np.random.default_rng(0).standard_normal(400_000)
    stars = np.clip(np.floor(sampled_ratings * 2 + 0.5) / 2, 0.5, 5.0)
    result = expected_stars(np.array([mean]), np.array([std]))[0]
    assert result == pytest.approx(stars.mean(), abs=4 * max(stars.std(), 0.01) / np.sqrt(400_000))


def damped_biases(histories: UserHistories, movies: int) -> np.ndarray:
    """Predict the targets by user and movie biases, damped and fitted in turns on all but the targets."""
    user = np.repeat(np.arange(len(histories.user_id)), np.diff(histories.offsets))
    train = np.ones(len(user), bool)
    train[histories.test] = False
    u, m, stars = user[train], histories.movie_row[train], histories.half_star_code[train] / 2
    mean, by_user, by_movie = stars.mean(), np.zeros(len(histories.user_id)), np.zeros(movies)
    for _ in range(8):
        by_movie = np.bincount(m, stars - mean - by_user[u], movies) / (
            np.bincount(m, minlength=movies) + 2.5
        )
        by_user = np.bincount(u, stars - mean - by_movie[m]) / (np.bincount(u) + 3.0)
    return mean + by_user + by_movie[histories.movie_row[histories.test]]


@pytest.mark.parametrize(("users", "movies", "seed"), [(600, 1500, 42), (600, 1500, 7), (2000, 3000, 3)])
def test_errors_are_in_order_and_biases_well_above(users: int, movies: int, seed: int) -> None:
    data = generate_demo(Demo(users=users, movies=movies, mean_ratings=100, max_ratings=1000), seed)
    histories = demo_histories(data)
    result, stars = (
        bayes_predictions(data.truth, histories, data.truth["movie_id"]),
        histories.half_star_code[histories.test] / 2,
    )
    posterior = rmse(result.posterior, stars)
    assert rmse(result.oracle, stars) < posterior
    assert rmse(damped_biases(histories, movies), stars) >= 1.10 * posterior


def test_bayes_predictions_are_unbiased_and_on_the_scale() -> None:
    data = generate_demo(Demo(users=3000, movies=1000, mean_ratings=40, max_ratings=100), 9)
    histories = demo_histories(data)
    result, stars = (
        bayes_predictions(data.truth, histories, data.truth["movie_id"]),
        histories.half_star_code[histories.test] / 2,
    )
    for prediction in (result.oracle, result.posterior):
        assert abs((stars - prediction).mean()) < 0.05
        assert prediction.min() >= 0.5
        assert prediction.max() <= 5.0


def test_bayes_predictions_of_sampled_users() -> None:
    data = generate_demo(Demo(users=60, movies=200, mean_ratings=30, max_ratings=80), 4)
    complete = demo_histories(data)
    users = np.array([3, 10, 11, 40, 59])
    subset = sample_users(complete, users)
    movies, row = np.unique(subset.movie_row, return_inverse=True)
    subset = replace(subset, movie_row=row.astype(np.int32))
    result = bayes_predictions(data.truth, subset, data.truth["movie_id"][movies])
    expected = bayes_predictions(data.truth, complete, data.truth["movie_id"])
    np.testing.assert_allclose(result.posterior, expected.posterior[users], rtol=1e-12)
    np.testing.assert_allclose(result.oracle, expected.oracle[users], rtol=1e-12)


def test_bayes_predictions_of_several_targets_a_user() -> None:
    data = generate_demo(Demo(users=20, movies=100, mean_ratings=20, max_ratings=50), 6)
    last = demo_histories(data)
    targets = np.sort(np.concatenate([last.test, last.test - 1]))
    result = bayes_predictions(data.truth, replace(last, test=targets), data.truth["movie_id"])
    for index in (last.test, last.test - 1):
        single = bayes_predictions(data.truth, replace(last, test=index), data.truth["movie_id"])
        position = np.searchsorted(targets, index)
        np.testing.assert_allclose(result.posterior[position], single.posterior, rtol=1e-12)


def test_bayes_predictions_without_targets() -> None:
    data = generate_demo(Demo(users=3, movies=20, mean_ratings=5, max_ratings=9), 4)
    result = bayes_predictions(data.truth, replace(demo_histories(data), test=NONE), data.truth["movie_id"])
    assert len(result.oracle) == len(result.posterior) == 0


def test_bayes_predictions_refuse_the_truth_of_another_demo() -> None:
    params = Demo(users=20, movies=50, mean_ratings=10, max_ratings=40)
    data, other = generate_demo(params, 1), generate_demo(params, 2)
    histories = demo_histories(data)
    with pytest.raises(ArtifactError, match=r"no user .* Run `dvc repro`"):
        bayes_predictions(
            {**other.truth, "movie_id": data.truth["movie_id"]}, histories, data.truth["movie_id"]
        )
    with pytest.raises(ArtifactError, match="no movie"):
        bayes_predictions(data.truth, histories, data.truth["movie_id"] + 10**6)
