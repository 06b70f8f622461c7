from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew

from reelgraph.embeddings import neighbours
from reelgraph.embeddings.neighbours import hubness, nearest_neighbours, neighbour_agreement


def random_units(n_rows: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n_rows, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_nearest_neighbours_match_a_full_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    unit = random_units(50, 5)
    queries = np.array([3, 4, 5, 11, 20, 21, 22, 23, 49])
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    expected = np.argsort(-cosines[queries], axis=1)[:, :10]
    assert (nearest_neighbours(unit, queries) == expected).all()


def test_nearest_neighbours_of_few_movies_are_fewer() -> None:
    assert nearest_neighbours(random_units(3, 2), np.arange(3)).shape == (3, 2)
    assert nearest_neighbours(random_units(1, 2), np.arange(1)).shape == (1, 0)
    assert hubness(nearest_neighbours(random_units(1, 2), np.arange(1)), 1) == 0


def test_hubness_is_the_skewness_of_occurrence() -> None:
    unit = random_units(300, 40)
    indices = nearest_neighbours(unit, np.arange(300))
    assert hubness(indices, 300) == pytest.approx(skew(np.bincount(indices.ravel(), minlength=300)))


def test_hubness_detects_a_hub() -> None:
    """Among random directions around a common one, a vector on it is near to all."""
    unit = random_units(300, 400)
    before = hubness(nearest_neighbours(unit, np.arange(300)), 300)
    hub = unit + 0.3 * np.eye(400)[0]
    hub[0] = np.eye(400)[0]
    hub /= np.linalg.norm(hub, axis=1, keepdims=True)
    indices = nearest_neighbours(hub, np.arange(300))
    assert np.bincount(indices.ravel(), minlength=300)[0] > 200
    assert hubness(indices, 300) > before + 5


def test_hubness_of_a_sample_estimates_that_of_all() -> None:
    unit = random_units(400, 60) + 0.08
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    indices = nearest_neighbours(unit, np.arange(400))
    rng = np.random.default_rng(0)
    parts = [hubness(indices[rng.choice(400, 200, replace=False)], 400) for _ in range(200)]
    assert np.mean(parts) == pytest.approx(hubness(indices, 400), rel=0.05)


def test_neighbour_agreement_is_one_for_clustered_genres() -> None:
    genre = np.arange(200) % 4
    unit = random_units(4, 30)[genre] + 0.02 * random_units(200, 30, 1)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    indices = nearest_neighbours(unit, np.arange(200))
    assert neighbour_agreement(indices, np.arange(200), genre) == 1
    assert neighbour_agreement(indices, np.arange(200), np.arange(200)) == 0


def test_neighbour_agreement_ignores_movies_without_an_entity() -> None:
    indices = np.array([[1, 2], [0, 2], [0, 1]])
    assert neighbour_agreement(indices, np.arange(3), np.array([5, 5, -1])) == 0.5
    assert neighbour_agreement(indices, np.arange(3), np.array([-1, -1, -1])) == 0
