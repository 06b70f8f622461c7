from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.embeddings.embedding_sets import POSTPROCESSINGS, n_top_components, postprocess

seeds = st.integers(0, 2**32)


def sample_vectors(seed: int, n_rows: int = 60, dim: int = 7) -> np.ndarray:
    """Sample vectors that vary in every direction, since others are not whitened."""
    rng = np.random.default_rng(seed)
    independent = rng.normal(size=(n_rows, dim))
    u, scales, vt = np.linalg.svd(rng.normal(size=(dim, dim)))
    return independent @ (u * np.maximum(scales, 0.1)) @ vt + 5 * rng.normal(size=dim)


@given(seeds)
def test_postprocess_centres_unless_raw(seed: int) -> None:
    rows = sample_vectors(seed)
    assert postprocess(rows, "raw") is rows
    for method in POSTPROCESSINGS[1:]:
        np.testing.assert_allclose(postprocess(rows, method).mean(axis=0), 0, atol=1e-6)


@given(seeds)
def test_postprocess_whitened_has_identity_covariance(seed: int) -> None:
    whitened = postprocess(sample_vectors(seed), "whitened")
    np.testing.assert_allclose(whitened.T @ whitened / len(whitened), np.eye(7), atol=1e-5)


@given(seeds)
def test_postprocess_top_removed_removes_the_leading_component(seed: int) -> None:
    rows = sample_vectors(seed)
    centred = postprocess(rows, "centred")
    top_removed = postprocess(rows, "top_removed")
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(top_removed @ axes[0], 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.svd(top_removed, compute_uv=False)[:6], sizes[1:], atol=1e-6)


def test_postprocess_whitened_ignores_directions_without_variance() -> None:
    rows = sample_vectors(1)
    rows[:, 6] = rows[:, :6].sum(axis=1)
    whitened = postprocess(rows.astype(np.float32).astype(np.float64), "whitened")
    np.testing.assert_allclose(
        np.linalg.eigvalsh(whitened.T @ whitened / len(whitened)), [0] + [1] * 6, atol=1e-5
    )
    assert np.isfinite(postprocess(np.ones((4, 3)), "whitened")).all()


@pytest.mark.parametrize(("dim", "expected"), [(1, 1), (100, 1), (300, 3), (384, 4)])
def test_n_top_components_is_one_percent_of_the_dimensions(dim: int, expected: int) -> None:
    assert n_top_components(dim) == expected
