from __future__ import annotations

import numpy as np
import pytest

from reelgraph.embeddings.isotropy import isotropy_statistics, unit_vectors
from reelgraph.runtime.errors import ArtifactError


def statistics(vectors: np.ndarray, pairs: int, seed: int, where: str = "vectors") -> dict[str, float]:
    return isotropy_statistics(unit_vectors(vectors, where), pairs, seed)


def plainly(vectors: np.ndarray, pairs: int, seed: int) -> dict[str, float]:
    units = [v / np.linalg.norm(v) for v in vectors.astype(np.float64) if np.linalg.norm(v) > 1e-10]
    rng, n = np.random.default_rng(seed), len(units)
    first = rng.integers(0, n, size=pairs)
    second = rng.integers(0, n, size=pairs)
    cosines = [units[i] @ units[(j + 1) % n if i == j else j] for i, j in zip(first, second, strict=True)]
    mean = sum(cosines) / pairs
    return {
        "anisotropy": float(np.linalg.norm(sum(units) / n)),
        "pair_cos_mean": mean,
        "pair_cos_std": (sum((c - mean) ** 2 for c in cosines) / pairs) ** 0.5,
        "pair_cos_p5": float(np.percentile(cosines, 5)),
        "pair_cos_p95": float(np.percentile(cosines, 95)),
        "uniformity": float(np.log(np.mean([np.exp(-2 * (2 - 2 * c)) for c in cosines]))),
    }


def test_statistics_are_those_of_the_spec() -> None:
    vectors = np.random.default_rng(0).normal(0.3, 1, (40, 6)).astype(np.float32)
    vectors[[3, 17]] = 0
    found = statistics(vectors, 20_000, 42)
    for name, value in plainly(vectors, 20_000, 42).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_equal_vectors_point_one_way_and_opposite_ones_nowhere() -> None:
    same = statistics(np.ones((5, 3), np.float32), 100, 42)
    assert same["anisotropy"] == pytest.approx(1)
    assert same["uniformity"] == pytest.approx(0)
    both = np.array([[1, 0], [-1, 0]], np.float32)
    found = statistics(both, 100, 42)
    assert found["anisotropy"] == pytest.approx(0)
    assert found["pair_cos_mean"] == pytest.approx(-1)


def test_vectors_without_direction_are_refused() -> None:
    with pytest.raises(ArtifactError, match="data/emb_x.parquet: expected a vector"):
        statistics(np.zeros((3, 2), np.float32), 10, 42, "data/emb_x.parquet")
