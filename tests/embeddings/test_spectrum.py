from __future__ import annotations

import numpy as np
import pytest

from reelgraph.embeddings.isotropy import effective_rank, isoscore, singular_values


def gaussian(rows: int, dim: int, scale: np.ndarray | float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, dim)) * scale


def test_singular_values_are_those_of_an_svd() -> None:
    for rows in (gaussian(50, 8) + 3, gaussian(5, 8)):
        expected = np.zeros(8)
        found = np.linalg.svd(rows, compute_uv=False)
        expected[: len(found)] = found
        np.testing.assert_allclose(singular_values(rows), expected, atol=1e-6)


def test_an_isotropic_gaussian_fills_its_space() -> None:
    rows = gaussian(20_000, 20)
    assert effective_rank(singular_values(rows)) == pytest.approx(20, rel=0.01)
    assert isoscore(rows) == pytest.approx(1, abs=0.01)


def test_a_line_has_rank_one_and_scores_nothing() -> None:
    rows = gaussian(100, 1) * np.ones((1, 20))
    assert effective_rank(singular_values(rows)) == pytest.approx(1, abs=1e-4)
    assert isoscore(rows) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("used", "dim"), [(1, 9), (3, 9), (9, 9), (10, 100)])
def test_isoscore_is_the_share_of_dimensions_in_use(used: int, dim: int) -> None:
    """Rudman et al., section 4: with k of d dimensions in equal use it is (k − 1) / (d − 1)."""
    rows = np.zeros((2 * dim, dim))
    rows[:dim], rows[dim:] = np.eye(dim), -np.eye(dim)
    rows[:, used:] = 0
    assert isoscore(rows) == pytest.approx((used - 1) / (dim - 1), abs=1e-9)


def test_isoscore_heeds_neither_place_nor_turning_nor_size() -> None:
    rows = gaussian(200, 6, np.arange(1, 7))
    turn, _ = np.linalg.qr(gaussian(6, 6))
    assert isoscore(7 * rows @ turn + 100) == pytest.approx(isoscore(rows))


def test_effective_rank_by_hand() -> None:
    assert effective_rank(np.array([3.0, 1.0, 0.0])) == pytest.approx(4 / 3**0.75)


def test_vectors_that_do_not_vary_and_single_dimensions_are_measured() -> None:
    assert isoscore(np.ones((5, 3))) == 0
    assert isoscore(np.arange(4.0)[:, None]) == 1
    assert effective_rank(np.zeros(3)) == 0
