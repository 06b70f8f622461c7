from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from reelgraph.embeddings.neighbours import nearest_neighbours
from reelgraph.embeddings.pacmap import pacmap_layout


def clumps(movies: int, groups: int, dim: int = 40) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(5)
    group = draw.integers(0, groups, movies)
    vectors = draw.normal(0, 1, (groups, dim))[group] + draw.normal(0, 0.35, (movies, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), group


def placed(unit: np.ndarray, seed: int = 1) -> np.ndarray:
    return pacmap_layout(unit, nearest_neighbours(unit.astype(np.float64), np.arange(len(unit))), seed)


def test_neighbours_stay_near_each_other() -> None:
    unit, group = clumps(400, 6)
    places = placed(unit)
    assert trustworthiness(unit, places, n_neighbors=10, metric="cosine") > 0.9
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(400, np.inf))
    assert (group[apart.argmin(axis=1)] == group).mean() > 0.98


def test_the_same_vectors_and_seed_give_the_same_bytes() -> None:
    unit, _ = clumps(150, 3)
    assert placed(unit).tobytes() == placed(unit).tobytes()
    assert not np.array_equal(placed(unit), placed(unit, seed=2))


@pytest.mark.parametrize("movies", [1, 2, 3, 12])
def test_few_movies_have_places_too(movies: int) -> None:
    unit, _ = clumps(movies, 2)
    places = placed(unit)
    assert places.shape == (movies, 2)
    assert np.isfinite(places).all()


def test_equal_vectors_do_not_fly_apart() -> None:
    unit = np.tile(np.eye(1, 8, dtype=np.float32), (30, 1))
    assert np.isfinite(placed(unit)).all()
