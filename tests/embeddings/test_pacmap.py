from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from reelgraph.embeddings.neighbours import nearest_neighbours
from reelgraph.embeddings.pacmap import pacmap_layout


def clusters(n_movies: int, n_groups: int, dim: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    group = rng.integers(0, n_groups, n_movies)
    vectors = rng.normal(0, 1, (n_groups, dim))[group] + rng.normal(0, 0.35, (n_movies, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), group


def layout(unit: np.ndarray, seed: int = 1) -> np.ndarray:
    return pacmap_layout(unit, nearest_neighbours(unit.astype(np.float64), np.arange(len(unit))), seed)


def test_pacmap_layout_preserves_neighbours() -> None:
    unit, group = clusters(400, 6)
    coordinates = layout(unit)
    assert trustworthiness(unit, coordinates, n_neighbors=10, metric="cosine") > 0.9
    distances = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2) + np.diag(
        np.full(400, np.inf)
    )
    assert (group[distances.argmin(axis=1)] == group).mean() > 0.98


def test_pacmap_layout_is_reproducible_to_the_byte() -> None:
    unit, _ = clusters(150, 3)
    assert layout(unit).tobytes() == layout(unit).tobytes()
    assert not np.array_equal(layout(unit), layout(unit, seed=2))


@pytest.mark.parametrize("n_movies", [1, 2, 3, 12])
def test_pacmap_layout_accepts_few_movies(n_movies: int) -> None:
    unit, _ = clusters(n_movies, 2)
    coordinates = layout(unit)
    assert coordinates.shape == (n_movies, 2)
    assert np.isfinite(coordinates).all()


def test_pacmap_layout_of_equal_vectors_is_finite() -> None:
    unit = np.tile(np.eye(1, 8, dtype=np.float32), (30, 1))
    assert np.isfinite(layout(unit)).all()
