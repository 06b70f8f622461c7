from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.embeddings.embedding_sets import POSTPROCESSINGS, postprocess, top_components

seeds = st.integers(0, 2**32)


def rows_of(seed: int, rows: int = 60, dim: int = 7) -> np.ndarray:
    """Draw rows that vary in every direction: one in which they don't isn't whitened."""
    draw = np.random.default_rng(seed)
    independent = draw.normal(size=(rows, dim))
    left, scales, right = np.linalg.svd(draw.normal(size=(dim, dim)))
    return independent @ (left * np.maximum(scales, 0.1)) @ right + 5 * draw.normal(size=dim)


@given(seeds)
def test_all_but_raw_are_centred(seed: int) -> None:
    rows = rows_of(seed)
    assert postprocess(rows, "raw") is rows
    for treatment in POSTPROCESSINGS[1:]:
        np.testing.assert_allclose(postprocess(rows, treatment).mean(axis=0), 0, atol=1e-6)


@given(seeds)
def test_whitened_vectors_have_the_identity_as_covariance(seed: int) -> None:
    found = postprocess(rows_of(seed), "whitened")
    np.testing.assert_allclose(found.T @ found / len(found), np.eye(7), atol=1e-5)


@given(seeds)
def test_the_removed_component_is_the_leading_one(seed: int) -> None:
    rows = rows_of(seed)
    centred, found = postprocess(rows, "centred"), postprocess(rows, "top_removed")
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(found @ axes[0], 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.svd(found, compute_uv=False)[:6], sizes[1:], atol=1e-6)


def test_a_direction_that_does_not_vary_is_not_blown_up() -> None:
    rows = rows_of(1)
    rows[:, 6] = rows[:, :6].sum(axis=1)
    found = postprocess(rows.astype(np.float32).astype(np.float64), "whitened")
    np.testing.assert_allclose(np.linalg.eigvalsh(found.T @ found / len(found)), [0] + [1] * 6, atol=1e-5)
    assert np.isfinite(postprocess(np.ones((4, 3)), "whitened")).all()


@pytest.mark.parametrize(("dim", "removed"), [(1, 1), (100, 1), (300, 3), (384, 4)])
def test_one_component_a_hundred_dimensions_is_removed(dim: int, removed: int) -> None:
    assert top_components(dim) == removed
