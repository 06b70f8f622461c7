from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score, top_k_accuracy_score

from reelgraph.evaluation.list_metrics import calibrate_lists, list_metrics
from reelgraph.evaluation.ranking import (
    RankingQueries,
    build_queries,
    first_movies,
    headline_metrics,
    item_means,
    rank_metrics,
    rank_movies,
    ranking_metrics,
    rater_orders,
    user_columns,
)
from reelgraph.rankers.ranker import RankingQuery, ranks, watched_and_liked
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.isolated_targets import isolate_targets
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import RaterOfSomeDay

MOVIES = 60
COUNT = np.arange(MOVIES)
NO_MOVIES = np.zeros(0, np.int64)
STARS = [np.array([4.0]), np.array([3.0, 1.0])]


def histories_with_four_targets() -> UserHistories:
    """People whose last four ratings are test targets; nobody rates a movie twice."""
    histories = random_histories(2, 30, MOVIES, 40)
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(MOVIES)[:n] for n in np.diff(histories.offsets)])
    test = np.sort(np.concatenate([histories.offsets[1:] - back for back in (1, 2, 3, 4)]))
    return replace(histories, movie_row=rows.astype(np.int32), test=test)


def selected(histories: UserHistories, max_users: int = 100) -> RankingQueries:
    return build_queries(histories, "test", max_users, np.random.default_rng(0))


@given(arrays(np.float64, st.integers(1, 12), elements=st.integers(0, 4)), st.data())
def test_ranks_equal_those_of_scipy(scores: np.ndarray, data: st.DataObject) -> None:
    some = data.draw(st.lists(st.integers(0, len(scores) - 1), max_size=3))
    assert ranks(scores, scores[some]).tolist() == rankdata(-scores)[some].tolist()


@given(arrays(np.float32, st.integers(1, 60), elements=st.integers(0, 4)), st.data())
def test_first_movies_breaks_ties_by_row(scores: np.ndarray, data: st.DataObject) -> None:
    candidates = data.draw(arrays(bool, len(scores)))
    by_score = sorted(np.flatnonzero(candidates).tolist(), key=lambda row: -scores[row])
    assert first_movies(scores, candidates).tolist() == by_score[:20]


@given(st.integers(0, 2**32), st.integers(1, 30))
def test_rank_metrics_equal_those_of_scikit_learn(seed: int, n_relevant: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.permutation(MOVIES).astype(np.float64)
    relevant = rng.choice(MOVIES, n_relevant, replace=False)
    ndcg = rank_metrics(scores, np.ones(MOVIES, bool), relevant)[0]
    gain = np.isin(np.arange(MOVIES), relevant).astype(int)
    assert ndcg == pytest.approx(ndcg_score([gain], [scores], k=10))
    # Of one relevant movie, these are other names of the same metrics.
    first = np.eye(MOVIES, dtype=int)[relevant[:1]]
    recall, hit, reciprocal_rank = rank_metrics(scores, np.ones(MOVIES, bool), relevant[:1])[1:]
    labels = np.arange(MOVIES)
    assert recall == top_k_accuracy_score(relevant[:1], [scores], k=20, labels=labels)
    assert hit == top_k_accuracy_score(relevant[:1], [scores], k=10, labels=labels)
    assert reciprocal_rank == pytest.approx(label_ranking_average_precision_score(first, [scores]))


def test_ranking_metrics_equal_brute_force() -> None:
    histories = histories_with_four_targets()
    queries = selected(histories)
    scores = np.random.default_rng(1).normal(size=(len(queries.queries), MOVIES))
    rankings = {"blend": rank_movies(queries, scores), "other": rank_movies(queries, -scores)}
    metrics = ranking_metrics(rankings, "blend", COUNT, 0)
    values: dict[str, list[float]] = {name: [] for name in ("ndcg_10", "recall_20", "hit_10", "mrr")}
    users = histories.users_of(queries.target_index)
    for u, score in zip(users, scores, strict=True):
        end = histories.offsets[u + 1]
        history = histories.movie_row[histories.offsets[u] : end - 4].tolist()
        relevant = set(histories.movie_row[end - 4 : end].tolist())
        best = sorted(set(range(MOVIES)) - set(history), key=lambda m: -score[m])
        gain = sum(1 / math.log2(i + 2) for i, m in enumerate(best[:10]) if m in relevant)
        values["ndcg_10"].append(gain / sum(1 / math.log2(i + 2) for i in range(4)))
        values["recall_20"].append(len(relevant & set(best[:20])) / 4)
        values["hit_10"].append(float(bool(relevant & set(best[:10]))))
        values["mrr"].append(max(1 / (i + 1) for i, m in enumerate(best) if m in relevant))
    row = metrics["blend"]
    assert {name: row[name] for name in values} == pytest.approx(
        {name: np.mean(value) for name, value in values.items()}
    )
    assert row["ndcg_10_low"] < row["ndcg_10"] < row["ndcg_10_high"]
    other = metrics["other"]
    difference = row["recall_20"] - other["recall_20"]
    assert other["recall_20_diff_low"] < difference < other["recall_20_diff_high"]


def test_calibrate_lists_compares_the_stars_of_listed_movies() -> None:
    watched = [np.array([3]), np.array([5, 6])]
    predicted = [np.full(MOVIES, 3.5), np.arange(MOVIES) / 2]
    lists = np.array([[3, 8, -1], [6, 7, 9]])
    row = calibrate_lists(lists, watched, STARS, predicted, 0)
    assert (row["rated_20"], row["predicted_20"], row["actual_20"]) == (2, (3.5 + 3) / 2, (4 + 1) / 2)
    assert row["stars_diff_low"] == pytest.approx(-0.5)
    assert row["stars_diff_high"] == pytest.approx(2)
    assert calibrate_lists(lists[:, 1:2], watched, STARS, predicted, 0) == {"rated_20": 0}


def test_build_queries_returns_each_users_targets() -> None:
    histories = histories_with_four_targets()
    queries = selected(histories)
    users = histories.users_of(queries.target_index)
    assert users.tolist() == list(range(30))
    assert (queries.target_index == histories.offsets[1:] - 4).all()
    for user, query, watched, liked in zip(
        users, queries.queries, queries.watched, queries.liked, strict=True
    ):
        end = histories.offsets[user + 1]
        assert query.history.tolist() == histories.movie_row[histories.offsets[user] : end - 4].tolist()
        assert query.time == histories.timestamp[end - 4]
        assert watched.tolist() == histories.movie_row[end - 4 : end].tolist()
        assert liked.tolist() == watched[histories.half_star_code[end - 4 : end] >= 8].tolist()
    assert not len(queries.held_out)
    assert selected(replace(histories, test_movies=np.array([2, 3]))).held_out.tolist() == [2, 3]
    assert set(selected(histories, 5).target_index) <= set(queries.target_index)
    assert len(selected(histories, 5).queries) == 5


def test_rank_movies_ranks_held_out_movies_among_each_other() -> None:
    watched = [np.array([5])]
    held_out = np.array([3, 5, 6])
    queries = RankingQueries(np.array([0]), [RankingQuery(np.array([6]))], watched, STARS, watched, held_out)
    rankings = rank_movies(queries, [-np.arange(MOVIES, dtype=np.float64)])
    assert rankings.lists[0, :3].tolist() == [3, 5, -1]
    assert rankings.watched[0, -1] == 1 / 2  # the reciprocal rank


class ByTime(RaterOfSomeDay):
    """Predicts the same half star for all movies of some day, by the time of the target."""

    def probabilities(self, histories: UserHistories, target: int) -> np.ndarray:
        return np.eye(10)[np.full(MOVIES, histories.timestamp[target] % 10)]


def test_rater_orders_keeps_the_order_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.evaluation.ranking.USERS_PER_THREAD", 7)
    histories = histories_with_four_targets()
    target = selected(histories).target_index
    targets = isolate_targets(histories, histories.fit_end("train"), target)
    served = list(np.random.default_rng(0).normal(size=(len(target), MOVIES)))
    orders = rater_orders(ByTime(), targets, served, COUNT)
    codes = histories.timestamp[target] % 10
    assert [scores[0] for scores in orders["rater"]] == ((codes + 1) / 2).tolist()
    expected = [
        watched_and_liked(scores, np.eye(10)[np.full(MOVIES, code)], COUNT)
        for scores, code in zip(served, codes, strict=True)
    ]
    np.testing.assert_allclose(orders["recommended"], expected, rtol=1e-6)


def test_ranking_metrics_of_an_oracle_and_of_equal_scores() -> None:
    watched = [np.array([3]), np.array([5, 6])]
    asked = [RankingQuery(NO_MOVIES), RankingQuery(np.array([0]))]
    liked = [watched[0], NO_MOVIES]
    queries = RankingQueries(np.array([0, 1]), asked, watched, STARS, liked, NO_MOVIES)
    oracle = np.zeros((2, MOVIES))
    for row, movies in zip(oracle, watched, strict=True):
        row[movies] = [2.0, 1.0][: len(movies)]
    rankings = {"blend": rank_movies(queries, oracle), "nothing": rank_movies(queries, np.zeros((2, MOVIES)))}
    metrics = ranking_metrics(rankings, "blend", COUNT, 0)
    names = ("ndcg_10", "recall_20", "hit_10", "mrr", "liked_ndcg_10", "liked_recall_20")
    assert [metrics["blend"][name] for name in names] == [1] * 6
    assert [metrics["nothing"][name] for name in names[:3]] == [0] * 3
    assert metrics["blend"]["n_users"] == 2
    assert metrics["blend"]["n_liked_users"] == 1


def test_user_columns_have_the_means_of_ranking_metrics() -> None:
    histories = histories_with_four_targets()
    queries = selected(histories)
    scores = np.random.default_rng(1).normal(size=(len(queries.queries), MOVIES))
    rankings = rank_movies(queries, scores)
    columns = user_columns(histories, queries, rankings, MOVIES)
    metrics = ranking_metrics({"blend": rankings}, "blend", COUNT, 0)["blend"]
    assert columns["ndcg_10"].mean() == pytest.approx(metrics["ndcg_10"])
    assert columns["recall_20"].mean() == pytest.approx(metrics["recall_20"])
    assert len(set(columns["user"].tolist())) == metrics["n_users"]
    history = queries.target_index - histories.offsets[:-1]
    assert columns["n_candidates"].tolist() == (MOVIES - history).tolist()


def test_list_metrics_by_hand() -> None:
    lists = np.array([[0, 1], [0, -1]])
    metrics = list_metrics(lists, np.array([4, 2, 1, 1]))
    assert metrics == {
        "coverage_20": 0.5,
        "novelty_20": pytest.approx(4 / 3),
        "popularity_rank_20": pytest.approx(4 / 3),
    }


def test_item_means_by_hand() -> None:
    histories = histories_with_four_targets()
    end = histories.fit_end("train")
    means, is_fitted = item_means(histories, end, MOVIES + 1), histories.mask_before(end)
    overall = histories.half_star_code[is_fitted].mean()
    for movie in (0, 7, MOVIES):
        codes = histories.half_star_code[is_fitted & (histories.movie_row == movie)]
        assert means[movie] == pytest.approx((codes.sum() + 5 * overall) / (len(codes) + 5))


def test_headline_metrics_are_those_of_the_ranker_and_of_others() -> None:
    models = {
        "blend": {"n_users": 9, "ndcg_10": 0.02624, "ndcg_10_low": 0.012, "ndcg_10_high": 0.043, "recall_20": 0.0766},
        "popularity": {"n_users": 9, "ndcg_10": 0.03969},
    }  # fmt: skip
    assert headline_metrics(models, "blend") == {"ndcg_10": 0.026, "recall_20": 0.077, "popularity": 0.04}
