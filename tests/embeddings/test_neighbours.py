from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew

from reelgraph.embeddings import neighbours
from reelgraph.embeddings.neighbours import hubness, nearest_neighbours, neighbour_agreement


def units_of(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(rows, dim))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_neighbours_are_those_of_a_full_sort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    unit, queries = units_of(50, 5), np.array([3, 4, 5, 11, 20, 21, 22, 23, 49])
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    expected = np.argsort(-cosines[queries], axis=1)[:, :10]
    assert (nearest_neighbours(unit, queries) == expected).all()


def test_few_movies_have_few_neighbours() -> None:
    assert nearest_neighbours(units_of(3, 2), np.arange(3)).shape == (3, 2)
    assert nearest_neighbours(units_of(1, 2), np.arange(1)).shape == (1, 0)
    assert hubness(nearest_neighbours(units_of(1, 2), np.arange(1)), 1) == 0


def test_hubness_is_the_skewness_of_occurrence() -> None:
    unit = units_of(300, 40)
    found = nearest_neighbours(unit, np.arange(300))
    assert hubness(found, 300) == pytest.approx(skew(np.bincount(found.ravel(), minlength=300)))


def test_a_planted_hub_is_found() -> None:
    """Random directions around a common one: what lies on it is near to all."""
    unit = units_of(300, 400)
    before = hubness(nearest_neighbours(unit, np.arange(300)), 300)
    hub = unit + 0.3 * np.eye(400)[0]
    hub[0] = np.eye(400)[0]
    hub /= np.linalg.norm(hub, axis=1, keepdims=True)
    found = nearest_neighbours(hub, np.arange(300))
    assert np.bincount(found.ravel(), minlength=300)[0] > 200
    assert hubness(found, 300) > before + 5


def test_a_sample_of_queries_estimates_the_hubness_of_all() -> None:
    unit = units_of(400, 60) + 0.08
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    found = nearest_neighbours(unit, np.arange(400))
    whole, draw = hubness(found, 400), np.random.default_rng(0)
    parts = [hubness(found[draw.choice(400, 200, replace=False)], 400) for _ in range(200)]
    assert np.mean(parts) == pytest.approx(whole, rel=0.05)


def test_planted_genres_are_shared_by_neighbours() -> None:
    genre = np.arange(200) % 4
    unit = units_of(4, 30)[genre] + 0.02 * units_of(200, 30, 1)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    found = nearest_neighbours(unit, np.arange(200))
    assert neighbour_agreement(found, np.arange(200), genre) == 1
    assert neighbour_agreement(found, np.arange(200), np.arange(200)) == 0


def test_movies_without_an_entity_do_not_ask_and_do_not_share() -> None:
    found = np.array([[1, 2], [0, 2], [0, 1]])
    assert neighbour_agreement(found, np.arange(3), np.array([5, 5, -1])) == 0.5
    assert neighbour_agreement(found, np.arange(3), np.array([-1, -1, -1])) == 0
