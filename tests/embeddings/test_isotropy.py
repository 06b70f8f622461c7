from __future__ import annotations

import numpy as np
import pytest

from reelgraph.embeddings.isotropy import (
    effective_rank,
    isoscore,
    isotropy_statistics,
    singular_values,
    unit_vectors,
)
from reelgraph.runtime.errors import ArtifactError


def statistics(vectors: np.ndarray, pairs: int, seed: int, where: str = "vectors") -> dict[str, float]:
    return isotropy_statistics(unit_vectors(vectors, where), pairs, seed)


def expected_statistics(vectors: np.ndarray, pairs: int, seed: int) -> dict[str, float]:
    units = [v / np.linalg.norm(v) for v in vectors.astype(np.float64) if np.linalg.norm(v) > 1e-10]
    rng = np.random.default_rng(seed)
    n = len(units)
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


def test_isotropy_statistics_match_pair_by_pair_computation() -> None:
    vectors = np.random.default_rng(0).normal(0.3, 1, (40, 6)).astype(np.float32)
    vectors[[3, 17]] = 0
    actual = statistics(vectors, 20_000, 42)
    for name, value in expected_statistics(vectors, 20_000, 42).items():
        assert actual[name] == pytest.approx(value, abs=1e-9), name


def test_isotropy_statistics_of_equal_and_opposite_vectors() -> None:
    equal = statistics(np.ones((5, 3), np.float32), 100, 42)
    assert equal["anisotropy"] == pytest.approx(1)
    assert equal["uniformity"] == pytest.approx(0)
    opposite = np.array([[1, 0], [-1, 0]], np.float32)
    actual = statistics(opposite, 100, 42)
    assert actual["anisotropy"] == pytest.approx(0)
    assert actual["pair_cos_mean"] == pytest.approx(-1)


def test_unit_vectors_rejects_zero_vectors() -> None:
    with pytest.raises(ArtifactError, match="data/emb_x.parquet: expected a vector"):
        statistics(np.zeros((3, 2), np.float32), 10, 42, "data/emb_x.parquet")


def gaussian(rows: int, dim: int, scale: np.ndarray | float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, dim)) * scale


def test_singular_values_match_an_svd() -> None:
    for rows in (gaussian(50, 8) + 3, gaussian(5, 8)):
        expected = np.zeros(8)
        values = np.linalg.svd(rows, compute_uv=False)
        expected[: len(values)] = values
        np.testing.assert_allclose(singular_values(rows), expected, atol=1e-6)


def test_effective_rank_and_isoscore_of_an_isotropic_gaussian() -> None:
    rows = gaussian(20_000, 20)
    assert effective_rank(singular_values(rows)) == pytest.approx(20, rel=0.01)
    assert isoscore(rows) == pytest.approx(1, abs=0.01)


def test_effective_rank_and_isoscore_of_a_line() -> None:
    rows = gaussian(100, 1) * np.ones((1, 20))
    assert effective_rank(singular_values(rows)) == pytest.approx(1, abs=1e-4)
    assert isoscore(rows) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("used", "dim"), [(1, 9), (3, 9), (9, 9), (10, 100)])
def test_isoscore_is_the_fraction_of_dimensions_in_use(used: int, dim: int) -> None:
    """Rudman et al., section 4: with k of d dimensions in equal use it is (k − 1) / (d − 1)."""
    rows = np.zeros((2 * dim, dim))
    rows[:dim] = np.eye(dim)
    rows[dim:] = -np.eye(dim)
    rows[:, used:] = 0
    assert isoscore(rows) == pytest.approx((used - 1) / (dim - 1), abs=1e-9)


def test_isoscore_is_invariant_to_shift_rotation_and_scale() -> None:
    rows = gaussian(200, 6, np.arange(1, 7))
    rotation, _ = np.linalg.qr(gaussian(6, 6))
    assert isoscore(7 * rows @ rotation + 100) == pytest.approx(isoscore(rows))


def test_effective_rank_has_a_known_answer() -> None:
    assert effective_rank(np.array([3.0, 1.0, 0.0])) == pytest.approx(4 / 3**0.75)


def test_isoscore_of_constant_vectors_and_of_one_dimension() -> None:
    assert isoscore(np.ones((5, 3))) == 0
    assert isoscore(np.arange(4.0)[:, None]) == 1
    assert effective_rank(np.zeros(3)) == 0
