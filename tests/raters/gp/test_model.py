"""The Gaussian process against plain restatements of its formulae."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.raters.gp.leave_one_out_stats import DAMPING, fit_movie_stats, leave_one_out_stats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import build_movie_content
from reelgraph.raters.gp.movie_factors import cooccurrence_vectors, fit_latent_factors
from reelgraph.raters.gp.ordinal_head import OrdinalHead, expected_stars
from reelgraph.raters.gp.prediction import OneStepPredictor, rating_features
from reelgraph.raters.gp.rater import N_HEAD_FEATURES
from reelgraph.raters.gp.rating_table import (
    RatingTable,
    all_ratings,
    fitted_ratings,
    tile_windows,
    windows_ending_at,
)
from reelgraph.raters.gp.training import train_gaussian_process
from reelgraph.raters.gp.types import RatingFeatures
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import any_histories, histories, random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params


@pytest.fixture
def people() -> UserHistories:
    return random_histories(4, 25, MOVIES, 40)


@pytest.fixture
def ratings(people: UserHistories) -> RatingTable:
    return fitted_ratings(people, people.fit_end("train"))


@pytest.fixture
def content():
    known = small_movie_inputs()
    return build_movie_content(known.graph, known.year, (known.text, known.vectors))


@pytest.fixture
def process(content, ratings: RatingTable) -> GaussianProcess:
    torch.manual_seed(0)
    cowatch = torch.from_numpy(cooccurrence_vectors(ratings, MOVIES, 4).astype(np.float32))
    return GaussianProcess(content, cowatch, fit_latent_factors(ratings, content, 2, 0), 3).eval()


def test_of_more_ratings_than_it_may_see_it_learns_from_some(
    process: GaussianProcess, ratings: RatingTable, content
) -> None:
    rows, _ = tile_windows(ratings.offsets, 8, 8)
    columns = OneStepPredictor(process, fit_movie_stats(ratings, content, 1), ratings, content).columns
    seen, ahead = [], process.predict_one_step
    process.predict_one_step = lambda given, real: (seen.append(int((real >= 0).sum())), ahead(given, real))[
        1
    ]
    params = small_rater_params("gp").gp.model_copy(update={"max_ratings": 100, "batch_size": 4})
    train_gaussian_process(process, columns, rows, params, 1, lambda *_: None)
    assert 50 <= sum(seen) <= 150 < len(ratings.movie)


def test_content_lays_edges_out_as_columns(content) -> None:
    actor, genre = content.blocks
    assert actor.shape == (MOVIES, 2)
    assert genre[:4, 0].tolist() == [8, 9, 8, 9]
    assert actor[5].tolist() == [1 + 5 % 3, 1 + 3 + 5 % 4]
    assert not actor[-3:].any()
    assert content.year[-1] == pytest.approx(content.year[:-1].mean())
    np.testing.assert_allclose(np.linalg.norm(content.vectors, axis=1), 1, atol=1e-5)


def test_known_rows_are_those_before_the_end(people: UserHistories) -> None:
    some, whole = (
        fitted_ratings(people, people.fit_end("train")),
        all_ratings(people, people.fit_end("train")),
    )
    assert whole.is_fitted.sum() == len(some.movie) == (people.train_end - people.offsets[:-1]).sum()
    assert (whole.stars[whole.is_fitted] == some.stars).all()
    assert (whole.history_length(people.val) == people.val - people.offsets[:-1]).all()


@given(histories, st.integers(2, 20), st.integers(1, 20))
def test_every_rating_is_predicted_in_one_window(h: UserHistories, size: int, stride: int) -> None:
    rows, own = tile_windows(h.offsets, size, min(stride, size))
    assert np.sort(rows[own]).tolist() == list(range(len(h.half_star_code)))
    for row in rows:
        real = row[row >= 0]
        assert (np.diff(real) == 1).all()
        assert len(set(h.users_of(real))) == 1


def test_a_person_without_ratings_has_no_window() -> None:
    rows, own = tile_windows(np.array([0, 0, 3, 3]), 2, 2)
    assert rows.tolist() == [[2, -1], [0, 1]]
    assert own.tolist() == [[True, False], [True, True]]


@given(any_histories, st.integers(2, 20))
def test_a_targets_window_is_what_is_nearest_in_its_history_and_itself(h: UserHistories, size: int) -> None:
    index = np.unique(np.concatenate([h.test, h.offsets[:-1]]))
    ratings = all_ratings(h, h.fit_end("train"))
    low, high = ratings.nearest_history(index, size - 1)
    rows, own = windows_ending_at(index, low, high)
    assert sorted(rows[own]) == index.tolist()
    for window, place in np.argwhere(own):
        row, at = rows[window], np.searchsorted(index, rows[window, place])
        history = np.arange(low[at], high[at])
        assert row[: place + 1].tolist() == [*history, index[at]]
        whole = np.arange(h.offsets[h.users_of(index[at : at + 1])[0]], h.history_end(index[at : at + 1])[0])
        assert np.isin(history, whole).all()
        assert len(history) == min(len(whole), size - 1)
        away = np.abs(ratings.rank[whole] - ratings.rank[index[at]])
        beside = np.isin(whole, history)
        assert away[beside].max(initial=0) <= away[~beside].min(initial=np.inf) + 1


def test_targets_that_see_a_history_from_its_start_share_a_window() -> None:
    rows, own = windows_ending_at(np.array([2, 4, 9, 7]), np.array([0, 0, 5, 5]), np.array([2, 4, 8, 7]))
    assert rows.tolist() == [[5, 6, 7, -1, -1], [5, 6, 7, 9, -1], [0, 1, 2, 3, 4]]
    assert np.argwhere(own).tolist() == [[0, 2], [1, 3], [2, 2], [2, 4]]


@given(any_histories)
def test_what_is_summed_of_a_rating_is_of_its_history(h: UserHistories) -> None:
    ratings = all_ratings(h, h.fit_end("train"))
    stars, time = h.half_star_code / 2, h.timestamp
    index = np.concatenate([h.train[::5], h.val[::2], h.test[::2]])
    before, recent = ratings.history_sum(stars, index), ratings.recent_mean(stars, 3, index)
    place, gap = ratings.history_length(index), ratings.seconds_since_previous(index)
    for at, i in enumerate(index):
        end = h.history_end(np.array([i]))[0]
        history = np.arange(h.offsets[ratings.user[i]], end)
        assert place[at] == len(history)
        assert before[at] == pytest.approx(stars[history].sum())
        if i < h.history_cap[ratings.user[i]]:
            earlier, rank = history, float(len(history))
        else:
            earlier, tied = history[time[history] < time[i]], history[time[history] == time[i]]
            rank = len(earlier) + (len(tied) - 1) / 2
            earlier = np.append(earlier, tied[: len(tied) // 2])
        assert ratings.rank[i] == rank
        assert recent[at] == pytest.approx(stars[earlier[-3:]].mean() if len(earlier) else 0, abs=1e-9)
        assert gap[at] == (time[i] - time[earlier[-1]] if len(earlier) else 0)


def test_movie_means_leave_out_the_rating_that_asks(ratings: RatingTable, content) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    found = leave_one_out_stats(stats, ratings)
    level = ratings.stars - ratings.stars.mean()
    person = np.array([
        (level - stats.plain[ratings.movie])[ratings.user == u].sum() / ((ratings.user == u).sum() + DAMPING)
        for u in range(ratings.user.max() + 1)
    ])  # fmt: skip
    residual = level - person[ratings.user]
    for row in range(0, len(residual), 37):
        others = np.flatnonzero((ratings.movie == ratings.movie[row]) & (np.arange(len(residual)) != row))
        prior = stats.prior[ratings.movie[row]]
        expected = (residual[others].sum() + DAMPING * prior) / (len(others) + DAMPING)
        assert found.mean[row] == pytest.approx(expected)
        assert np.expm1(found.log_count[row]) == pytest.approx(len(others))


def test_one_step_ahead_is_gaussian_conditioning(
    process: GaussianProcess, ratings: RatingTable, content
) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    columns = rating_features(
        ratings, leave_one_out_stats(stats, ratings), stats.mean, content, len(process.latent_factors)
    )
    rows, _ = tile_windows(ratings.offsets, 24, 24)
    with torch.no_grad():
        found = process.predict_one_step(columns, torch.from_numpy(rows))
        covariance, residual, level = process._joint(columns, torch.from_numpy(rows), process._vectors())
    covariance, residual = covariance.double().numpy(), residual.double().numpy()
    for window in range(0, len(rows), 5):
        for place in range(int((rows[window] >= 0).sum())):
            before, cross = covariance[window, :place, :place], covariance[window, :place, place]
            weights = np.linalg.solve(before, cross)
            mean = weights @ residual[window, :place] + float(level[window, place])
            variance = covariance[window, place, place] - weights @ cross
            assert float(found.mean[window, place]) == pytest.approx(mean, abs=1e-4)
            assert float(found.std[window, place]) == pytest.approx(variance**0.5, abs=1e-4)


def test_others_beside_a_history_are_predicted_and_explained(
    process: GaussianProcess, ratings: RatingTable, content
) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    columns = rating_features(
        ratings, leave_one_out_stats(stats, ratings), stats.mean, content, len(process.latent_factors)
    )
    last = int(ratings.offsets[1]) - 1
    row, others = torch.arange(last + 1), torch.tensor([last, 3, 0])
    with torch.no_grad():
        found = process.predict_candidates(
            columns, row, process.precompute_candidates(RatingFeatures(*(x[others] for x in columns)))
        )
        alone = process.predict_one_step(columns, row.unsqueeze(0))
        level = process.offset + columns.movie_features[others] @ process.linear
    assert float(found.mean[0]) == pytest.approx(float(alone.mean[0, -1]), abs=1e-4)
    assert float(found.std[0]) == pytest.approx(float(alone.std[0, -1]), abs=1e-4)
    np.testing.assert_allclose(found.standardized_residual, alone.standardized_residual[0, :-1], atol=1e-4)
    added = found.contributions(torch.arange(3))
    np.testing.assert_allclose(added.sum(dim=1) + level, found.mean, atol=1e-4)


def test_covariance_matches_the_formula_for_a_pair(
    process: GaussianProcess, ratings: RatingTable, content
) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    columns = rating_features(
        ratings, leave_one_out_stats(stats, ratings), stats.mean, content, len(process.latent_factors)
    )
    with torch.no_grad():
        joint, _, _ = process._joint(columns, torch.tensor([[0, 3]]), process._vectors())
        movie, means = columns.movie[[0, 3]], process._vectors()[0]
        w, z, x = process.cowatch[movie], process.vectors[movie], columns.movie_features[[0, 3]]
        e = torch.cat([w, 0.5 * z], 1) @ process.metric + means[process.tokens[movie]].sum(1)
        a, b = process.cosines.exp()
        v = process.latent_factors[columns.fold[[0, 3]], movie]
        taste = (
            e[0] @ e[1]
            + process.taste.exp() * v[0] @ v[1]
            + a * w[0] @ w[1]
            + b * z[0] @ z[1]
            + (x[0] * x[1] * process.slopes.exp()).sum()
        )
        for weight, block in zip(process.same.exp(), content.blocks, strict=True):
            mine, other = (set(block[m][block[m] > 0]) for m in movie.numpy())
            taste = taste + weight * len(mine & other)
        rank, time = 3.0, float(abs(columns.time[3] - columns.time[0]))
        fading = process.fading.exp() * torch.tensor([-rank / 10, -rank / 100, -time / (90 * 86400)]).exp()
        mood = process.constant.exp()
        ranks = (1.5, 5, 20, 80, 300)
        mood = mood + sum(w * np.exp(-rank / s) for w, s in zip(process.by_rank.exp(), ranks, strict=True))
        scales = (120, 3600, 86400, 30 * 86400, 365 * 86400)
        mood = mood + sum(w * np.exp(-time / s) for w, s in zip(process.by_time.exp(), scales, strict=True))
    assert float(joint[0, 0, 1]) == pytest.approx(float(taste * (1 + fading.sum()) + mood), abs=1e-5)


def test_an_untrained_head_is_the_process_itself() -> None:
    head = OrdinalHead(N_HEAD_FEATURES, 8, 0.1).eval()
    mean, spread = torch.tensor([2.0, 3.5]), torch.tensor([0.4, 0.5])
    p = head(torch.randn(2, N_HEAD_FEATURES), mean, spread).exp()
    torch.testing.assert_close(p.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(expected_stars(p), mean, atol=2e-3, rtol=0)


def test_cowatch_joins_movies_that_the_same_people_watch() -> None:
    draw = np.random.default_rng(0)
    lists = [draw.choice(10, 8, replace=False) + 10 * (user % 2) for user in range(60)]
    movie = np.concatenate(lists)
    rows = RatingTable(np.arange(0, len(movie) + 1, 8), movie, np.ones(len(movie)), np.zeros(len(movie), np.int64),
                   np.ones(len(movie), bool), np.arange(8, len(movie) + 1, 8), np.arange(len(movie)) % 8.0, np.arange(60))  # fmt: skip
    v = cooccurrence_vectors(rows, 21, 3)
    within, across = (v[:10] @ v[:10].T).mean(), (v[:10] @ v[10:20].T).mean()
    assert within > 1e-6 > across
    assert not v[20].any()
