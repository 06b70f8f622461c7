from __future__ import annotations

import numpy as np

from studies.probe.projections import text_projections


def test_projections_keep_what_they_promise() -> None:
    draw = np.random.default_rng(0)
    text = draw.normal(size=(500, 384)).astype(np.float32)
    text[:, :32] *= 10
    found = text_projections(text, 1)
    assert {name: each.shape[1] for name, each in found.items()} == {
        "pca_32": 32, "pca_300": 300, "orthogonal_300": 300,
    }  # fmt: skip
    centred = text - text.mean(axis=0)
    assert (found["pca_32"] ** 2).sum() > 0.85 * (centred**2).sum()
    np.testing.assert_allclose(found["pca_300"][:, :32], found["pca_32"])
    kept = (found["orthogonal_300"] ** 2).sum() / (text**2).sum()
    assert 0.6 < kept < 0.95
