from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reelgraph.evaluation.ranking import (
    RankingQueries,
    headline_metrics,
    non_personalized_scores,
    ranking_metrics,
    ranks,
    select_users,
    user_columns,
    user_metrics,
)
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import random_histories

MOVIES = 60


def histories_with_four_targets() -> UserHistories:
    """People whose last four ratings are test targets; nobody rates a movie twice."""
    histories = random_histories(2, 30, MOVIES, 40)
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(MOVIES)[:n] for n in np.diff(histories.offsets)])
    test = np.sort(np.concatenate([histories.offsets[1:] - back for back in (1, 2, 3, 4)]))
    return replace(histories, movie_row=rows.astype(np.int32), test=test)


@given(arrays(np.float64, st.integers(1, 12), elements=st.integers(0, 4)), st.data())
def test_ranks_equal_counting(scores: np.ndarray, data: st.DataObject) -> None:
    i = data.draw(st.integers(0, len(scores) - 1))
    expected = 1 + (scores > scores[i]).sum() + ((scores == scores[i]).sum() - 1) / 2
    assert ranks(scores, scores[i : i + 1]).tolist() == [expected]


def test_ranking_metrics_equal_brute_force() -> None:
    histories = histories_with_four_targets()
    queries = select_users(histories, MOVIES, 100, np.random.default_rng(0))
    scores = np.random.default_rng(1).normal(size=(len(queries.target_index), MOVIES))
    metrics = ranking_metrics(
        {"rater": user_metrics(queries, scores), "other": user_metrics(queries, -scores)}, 0
    )
    ndcg, recall, users = [], [], histories.users_of(queries.target_index)
    for u, score in zip(users, scores, strict=True):
        end = histories.offsets[u + 1]
        history, test = histories.movie_row[histories.offsets[u] : end - 4], np.arange(end - 4, end)
        relevant = set(histories.movie_row[test[histories.half_star_code[test] >= 8]].tolist())
        best = sorted(set(range(MOVIES)) - set(history.tolist()), key=lambda m: -score[m])
        gain = sum(1 / math.log2(i + 2) for i, m in enumerate(best[:10]) if m in relevant)
        ndcg.append(gain / sum(1 / math.log2(i + 2) for i in range(min(10, len(relevant)))))
        recall.append(len(relevant & set(best[:20])) / len(relevant))
    assert metrics["rater"]["ndcg_10"] == pytest.approx(np.mean(ndcg))
    assert metrics["rater"]["recall_20"] == pytest.approx(np.mean(recall))
    assert metrics["rater"]["ndcg_10_low"] < np.mean(ndcg) < metrics["rater"]["ndcg_10_high"]
    difference = metrics["rater"]["recall_20"] - metrics["other"]["recall_20"]
    other = metrics["other"]
    assert other["recall_20_diff_low"] < difference < other["recall_20_diff_high"]


def test_select_users_builds_queries() -> None:
    histories = histories_with_four_targets()
    queries = select_users(histories, MOVIES, 100, np.random.default_rng(0))
    users = histories.users_of(queries.target_index)
    high = [
        (histories.half_star_code[histories.offsets[u + 1] - 4 : histories.offsets[u + 1]] >= 8).any()
        for u in range(30)
    ]
    assert users.tolist() == np.flatnonzero(high).tolist()
    assert (queries.target_index == histories.offsets[users + 1] - 4).all()
    for relevant, candidates in zip(queries.relevant, queries.candidate_mask, strict=True):
        assert candidates[relevant].all()
    subset = select_users(histories, MOVIES, 5, np.random.default_rng(0))
    assert len(subset.target_index) == len(subset.relevant) == 5
    assert set(subset.target_index) <= set(queries.target_index)


def test_ranking_metrics_of_an_oracle_and_of_equal_scores() -> None:
    relevant = [np.array([3]), np.array([5, 6])]
    queries = RankingQueries(np.array([0, 1]), relevant, np.ones((2, 100), bool))
    oracle = np.zeros((2, 100))
    for row, movies in zip(oracle, relevant, strict=True):
        row[movies] = [2.0, 1.0][: len(movies)]
    metrics = ranking_metrics(
        {"rater": user_metrics(queries, oracle), "nothing": user_metrics(queries, np.zeros((2, 100)))}, 0
    )
    assert metrics["rater"]["ndcg_10"] == metrics["rater"]["recall_20"] == 1
    assert metrics["nothing"]["ndcg_10"] == metrics["nothing"]["recall_20"] == 0


def test_ranking_metrics_without_users_are_empty() -> None:
    histories = histories_with_four_targets()
    queries = select_users(
        replace(histories, half_star_code=np.full_like(histories.half_star_code, 7)),
        MOVIES,
        9,
        np.random.default_rng(0),
    )
    metrics = user_metrics(queries, [])
    assert ranking_metrics({"rater": metrics, "other": metrics}, 0) == {}
    assert all(len(column) == 0 for column in user_columns(histories, queries, metrics).values())


def test_user_columns_have_the_means_of_ranking_metrics() -> None:
    histories = histories_with_four_targets()
    queries = select_users(histories, MOVIES, 100, np.random.default_rng(0))
    scores = np.random.default_rng(1).normal(size=(len(queries.target_index), MOVIES))
    by_user = user_metrics(queries, scores)
    columns = user_columns(histories, queries, by_user)
    metrics = ranking_metrics({"rater": by_user}, 0)["rater"]
    assert columns["ndcg_10"].mean() == pytest.approx(metrics["ndcg_10"])
    assert columns["recall_20"].mean() == pytest.approx(metrics["recall_20"])
    assert len(set(columns["user"].tolist())) == metrics["n_users"]
    history = (
        histories.history_end(queries.target_index)
        - histories.offsets[histories.users_of(queries.target_index)]
    )
    assert columns["n_candidates"].tolist() == (MOVIES - history).tolist()


def test_non_personalized_scores_by_hand() -> None:
    histories = histories_with_four_targets()
    end = histories.fit_end("train")
    metrics, is_fitted = non_personalized_scores(histories, end, MOVIES + 1), histories.mask_before(end)
    mean = histories.half_star_code[is_fitted].mean()
    for movie in (0, 7, MOVIES):
        codes = histories.half_star_code[is_fitted & (histories.movie_row == movie)]
        assert metrics["popularity"][movie] == len(codes)
        assert metrics["item_mean"][movie] == pytest.approx((codes.sum() + 5 * mean) / (len(codes) + 5))


def test_headline_metrics_are_those_of_the_rater_and_of_popularity() -> None:
    models = {
        "rater": {"n_users": 9, "ndcg_10": 0.02624, "ndcg_10_low": 0.012, "ndcg_10_high": 0.043, "recall_20": 0.0766},
        "popularity": {"n_users": 9, "ndcg_10": 0.03969},
    }  # fmt: skip
    assert headline_metrics(models) == {"ndcg_10": 0.026, "recall_20": 0.077, "popularity": 0.04}
    assert headline_metrics({}) == {}
