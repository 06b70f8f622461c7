"""Content of the movies."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.raters.gp.fitting import fit
from reelgraph.raters.gp.movie_content import MAX_CONTENT_DIM, MovieContent, build_movie_content
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.rater_samples import MOVIES, small_rater_params


def test_build_movie_content_arranges_edges_in_columns(content: MovieContent) -> None:
    actor, genre = content.entity_blocks
    assert actor.shape == (MOVIES, 2)
    assert genre[:4, 0].tolist() == [8, 9, 8, 9]
    assert actor[5].tolist() == [1 + 5 % 3, 1 + 3 + 5 % 4]
    assert not actor[-3:].any()
    assert content.year[-1] == pytest.approx(content.year[:-1].mean())
    np.testing.assert_allclose(np.linalg.norm(content.vectors, axis=1), 1, atol=1e-5)


def test_build_movie_content_keeps_the_cosines_of_vectors_of_low_rank() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(50, 3)) @ rng.normal(size=(3, 60))).astype(np.float32)
    content = build_movie_content(KnowledgeGraph(np.arange(50), {}), np.full(50, 2000.0), (vectors,))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert content.vectors.shape == (50, MAX_CONTENT_DIM)
    np.testing.assert_allclose(content.vectors @ content.vectors.T, unit @ unit.T, atol=1e-5)


def test_fit_predicts_movies_without_any_content(user_histories: UserHistories) -> None:
    zero = np.zeros((MOVIES, 12), np.float32)
    graph = KnowledgeGraph(np.arange(MOVIES), {})
    content = build_movie_content(graph, np.full(MOVIES, np.nan), (zero, zero))
    assert not content.vectors.any()
    params = small_rater_params("gp")
    fit_end = user_histories.fit_end("train")
    rater = fit(user_histories, fit_end, content, params)
    stars = rater.predict(user_histories, fit_end, user_histories.test).stars
    assert ((stars >= 0.5) & (stars <= 5)).all()
