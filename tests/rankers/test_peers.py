"""The rankers that the pipeline does not fit, and how their params are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reelgraph.evaluation.ranking import RankingQueries
from reelgraph.rankers.external import expected_popularity, ials, marec, sasrec
from reelgraph.rankers.item_weights import watched_matrix
from reelgraph.rankers.ranker import Ranker, frequent_movies, select_ratings
from studies.ranking_peers.tuning import combine_values, tune_ranker
from tests.helpers.ranker_samples import planted_inputs, query

INPUTS = planted_inputs()
SASREC = sasrec.Params(dim=16, blocks=1, length=6, dropout=0.0, epochs=12)


@pytest.fixture(scope="module", params=["ials", "sasrec"])
def ranker(request: pytest.FixtureRequest) -> Ranker:
    if request.param == "sasrec":
        return sasrec.fit(INPUTS, SASREC)
    pytest.importorskip("cmfrec")
    return ials.fit(INPUTS, ials.Params(factors=4, l2=1.0, alpha=5.0, iterations=5))


def test_score_prefers_the_half_that_the_user_watches(ranker: Ranker) -> None:
    for history, half in ((query(4, 5, 6, 7), 0), (query(24, 25, 26, 27), 1)):
        mean = ranker.score(history).reshape(2, -1).mean(axis=1)
        assert mean[half] > mean[1 - half]


def test_ials_contributions_sum_to_the_score(ranker: Ranker) -> None:
    if isinstance(ranker, sasrec.SasrecRanker):
        assert not ranker.contributions(query(5, 6), np.array([7])).any()
    else:
        history = query(5, 6, 8)
        summed = ranker.contributions(history, np.array([9])).sum()
        assert summed == pytest.approx(ranker.score(history)[9], abs=1e-6)


def test_marec_has_the_weights_of_the_closed_form_of_all_movies() -> None:
    ratings = select_ratings(INPUTS.ratings, ~np.isin(INPUTS.ratings.movie_row, [5, 25]))
    ranker = marec.fit(replace(INPUTS, ratings=ratings), marec.Params(l2=3.0, alignment=2.0, smoothing=1.0))
    watched = watched_matrix(ratings, np.arange(40)).toarray()
    gram = watched.T @ watched
    rated = ranker.movies
    assert len(rated) == 38
    parts = marec.similarities(INPUTS.content, rated, 1.0)
    similarity = np.zeros((40, 40))
    similarity[rated] = marec.weigh_similarities(gram[np.ix_(rated, rated)], rated, parts)
    aligned = gram @ similarity * np.where(np.isin(np.arange(40), rated), 0, 2.0)
    inverse = np.linalg.inv(gram + aligned + 3.0 * np.eye(40))
    expected = np.eye(40) - inverse / np.diag(inverse)
    np.testing.assert_allclose(ranker.weights, expected[rated], atol=1e-4)


def test_expected_popularity_predicts_the_number_of_ratings_of_unrated_movies_alone() -> None:
    ratings = INPUTS.ratings
    rare = (ratings.movie_row < 20) & (ratings.user % 3 > 0)
    kept = select_ratings(ratings, ~rare & ~np.isin(ratings.movie_row, [5, 25]))
    score = expected_popularity.fit(replace(INPUTS, ratings=kept), expected_popularity.Params()).score(
        query(1, 2)
    )
    count = np.bincount(kept.movie_row, minlength=40)
    np.testing.assert_array_equal(np.delete(score, [5, 25]), np.delete(count, [5, 25]))
    assert count[:20].max() < count[26:].min()
    assert count[4:8].min() < score[5] < score[25] < count[24:28].max()


def test_sasrec_split_histories_covers_each_movie_as_a_target_once() -> None:
    rows = frequent_movies(INPUTS.ratings)
    sequences = sasrec.split_histories(INPUTS.ratings, rows, 4)
    targets = sequences[:, 1:]
    assert (targets < len(rows)).sum() == len(INPUTS.ratings.user) - 60  # all but each user's first
    np.testing.assert_array_equal(rows[sequences[0]], INPUTS.ratings.movie_row[7:12])


def test_sasrec_network_does_not_read_later_movies() -> None:
    network = sasrec.fit(INPUTS, SASREC).network
    sequences = torch.tensor([[1, 2, 3, 4], [1, 2, 9, 9]])
    encoded = network(sequences).detach().numpy()
    np.testing.assert_allclose(encoded[0, :2], encoded[1, :2], atol=1e-6)
    assert not np.allclose(encoded[0, 2], encoded[1, 2])


def test_tune_ranker_takes_the_best_of_all_combinations() -> None:
    assert list(combine_values({"a": [1, 2], "b": [3]})) == [{"a": 1, "b": 3}, {"a": 2, "b": 3}]
    watched = [np.array([8]), np.array([28])]
    queries = RankingQueries(
        np.array([0, 1]),
        [query(6, 7), query(26, 27)],
        watched,
        [np.ones(1)] * 2,
        watched,
        np.zeros(0, np.int64),
    )
    tuned = tune_ranker("ease", {"l2": [1e9, 1.0], "decay": [1.0, 0.5]}, INPUTS, queries)
    others = [tune_ranker("ease", {"l2": [l2], "decay": [decay]}, INPUTS, queries).val_ndcg_10
              for l2 in (1e9, 1.0) for decay in (1.0, 0.5)]  # fmt: skip
    assert tuned.val_ndcg_10 == max(others)
    assert sorted(part.partition("=")[0] for part in tuned.setting.split()) == ["decay", "l2"]
