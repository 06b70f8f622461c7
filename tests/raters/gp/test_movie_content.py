"""Content of the movies."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.raters.gp.movie_content import MovieContent
from tests.helpers.rater_samples import MOVIES


def test_build_movie_content_arranges_edges_in_columns(content: MovieContent) -> None:
    actor, genre = content.entity_blocks
    assert actor.shape == (MOVIES, 2)
    assert genre[:4, 0].tolist() == [8, 9, 8, 9]
    assert actor[5].tolist() == [1 + 5 % 3, 1 + 3 + 5 % 4]
    assert not actor[-3:].any()
    assert content.year[-1] == pytest.approx(content.year[:-1].mean())
    np.testing.assert_allclose(np.linalg.norm(content.vectors, axis=1), 1, atol=1e-5)
