"""Projections of text vectors."""

from __future__ import annotations

import numpy as np

from studies.probe.projections import text_projections


def test_text_projections_preserve_the_expected_variance() -> None:
    rng = np.random.default_rng(0)
    text = rng.normal(size=(500, 384)).astype(np.float32)
    text[:, :32] *= 10
    projections = text_projections(text, 1)
    assert {name: vectors.shape[1] for name, vectors in projections.items()} == {
        "pca_32": 32, "pca_300": 300, "orthogonal_300": 300,
    }  # fmt: skip
    centred = text - text.mean(axis=0)
    assert (projections["pca_32"] ** 2).sum() > 0.85 * (centred**2).sum()
    np.testing.assert_allclose(projections["pca_300"][:, :32], projections["pca_32"])
    fraction = (projections["orthogonal_300"] ** 2).sum() / (text**2).sum()
    assert 0.6 < fraction < 0.95
