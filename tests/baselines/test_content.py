from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reelgraph.baselines import content_bias, content_knn, content_ridge, user_bias, user_entity_means
from reelgraph.baselines.content import MovieContent, targets_by_history
from reelgraph.baselines.external import fm_content
from reelgraph.baselines.registry import import_optional
from reelgraph.core.metrics import rmse
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_content

BIAS = {"movie_damping": 5.0, "user_damping": 5.0, "l2": 1.0}


@pytest.fixture(scope="module")
def content() -> MovieContent:
    return small_movie_content()


@pytest.fixture(scope="module")
def tastes(content: MovieContent) -> UserHistories:
    """Cold movies whose stars are quality and the users' taste, both linear in the content."""
    h = random_histories(0, 150, 40, 40, "cold_movies")
    rng = np.random.default_rng(1)
    vectors = content.unit_vectors("both")
    taste = rng.normal(size=(len(h.user_id), vectors.shape[1]))
    user = h.users_of(np.arange(len(h.movie_row)))
    quality = vectors @ rng.normal(size=vectors.shape[1])
    stars = 3 + quality[h.movie_row] + (taste[user] * vectors[h.movie_row]).sum(axis=1)
    return replace(h, half_star_code=np.rint(stars * 2).clip(1, 10).astype(np.uint8))


def test_content_baselines_predict_movies_that_nobody_has_rated(
    tastes: UserHistories, content: MovieContent
) -> None:
    end, actual = tastes.fit_end("train"), star_ratings(tastes, tastes.test)
    arguments = (tastes, end, tastes.test)
    params = content_knn.Params(**BIAS, vectors="both", neighbours=10, damping=0.5)
    ridge = content_ridge.Params(**BIAS, vectors="both", max_history=100, user_l2=0.5)
    error = {
        "user_bias": user_bias.predict(*arguments, user_bias.Params(damping=5.0)),
        "content_bias": content_bias.predict(*arguments, content_bias.Params(**BIAS), content),
        "content_knn": content_knn.predict(*arguments, params, content),
        "content_ridge": content_ridge.predict(*arguments, ridge, content),
    }
    error = {name: rmse(actual, predicted) for name, predicted in error.items()}
    assert error["content_bias"] < 0.97 * error["user_bias"]
    assert error["content_knn"] < 0.97 * error["content_bias"]
    assert error["content_ridge"] < 0.9 * error["content_bias"]


def test_fm_content_predicts_movies_that_nobody_has_rated(content: MovieContent) -> None:
    try:
        import_optional("myfm")
    except PackageError:
        pytest.skip("needs myfm, of the extra external-baselines")
    h = random_histories(0, 100, 40, 40, "cold_movies")
    genre = content.graph.entity_matrix(["genre"]).toarray() @ [1, -1]
    taste = np.random.default_rng(1).choice([-1, 1], len(h.user_id))
    stars = 3 + taste[h.users_of(np.arange(len(h.movie_row)))] * genre[h.movie_row]
    h = replace(h, half_star_code=np.rint(stars * 2).astype(np.uint8))
    end, actual = h.fit_end("train"), star_ratings(h, h.test)
    params = fm_content.Params(rank=4, burn_in=20, samples=40, seed=0, text_components=2)
    mean = user_bias.predict(h, end, h.test, user_bias.Params(damping=5.0))
    error = rmse(actual, fm_content.predict(h, end, h.test, params, content))
    assert error < 0.9 * rmse(actual, mean)


def test_user_entity_means_against_a_plain_restatement(content: MovieContent) -> None:
    h = random_histories(0, 12, 40, 50, "cold_movies")
    params = user_entity_means.Params(user_damping=5.0, genre_damping=3.0, people_damping=2.0)
    predictions = user_entity_means.predict(h, h.fit_end("train"), h.test, params, content)
    entities = {kind: content.graph.entity_matrix([kind]).toarray() for kind in ("genre", "actor")}
    mean = h.half_star_code[h.mask_before(h.train_end)].mean() / 2
    for target, value in list(zip(h.test, predictions, strict=True))[::7]:
        user = h.users_of(np.array([target]))[0]
        history = np.arange(h.offsets[user], h.train_end[user])
        stars = h.half_star_code[history] / 2
        level = mean + (stars - mean).sum() / (len(stars) + 5)
        expected = level
        for kind, damping in (("genre", 3.0), ("actor", 2.0)):
            shared = entities[kind][h.movie_row[history]] @ entities[kind][h.movie_row[target]]
            expected += (shared * (stars - level)).sum() / (shared.sum() + damping)
        assert value == pytest.approx(np.clip(expected, 0.5, 5), abs=1e-9)


def test_targets_by_history_yields_each_target_once() -> None:
    for split in ("leave_last_out", "cold_movies"):
        h = random_histories(0, 12, 40, 50, split)
        index = np.concatenate([h.val, h.test])[::-1]
        groups = list(targets_by_history(h, index))
        assert sorted(np.concatenate([positions for positions, _ in groups])) == list(range(len(index)))
        for positions, history in groups:
            for target in index[positions]:
                user = h.users_of(np.array([target]))[0]
                end = h.history_end(np.array([target]))[0]
                assert history.tolist() == list(range(h.offsets[user], end))
    assert list(targets_by_history(h, index[:0])) == []


def test_movie_content_vectors_and_features(content: MovieContent) -> None:
    for kind in ("text", "graph", "both"):
        np.testing.assert_allclose(np.linalg.norm(content.unit_vectors(kind), axis=1), 1)
    features = content.features()
    assert len(features) == 40
    assert np.isfinite(features).all()
    assert content.graph.entity_matrix(["actor", "genre"]).shape == (40, 9)
    assert content.graph.entity_matrix(["none"]).nnz == 0
