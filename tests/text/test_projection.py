from __future__ import annotations

import numpy as np
import torch

from reelgraph.text.projection import project


def test_project_matches_the_reference() -> None:
    vectors = np.random.default_rng(0).normal(size=(5, 384)).astype(np.float32)
    torch.manual_seed(42)
    linear = torch.nn.Linear(384, 300)
    norm = torch.nn.LayerNorm(300, eps=1e-5)
    torch.nn.init.xavier_uniform_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    expected = norm(linear(torch.tensor(vectors))).detach().numpy()
    np.testing.assert_array_equal(project(vectors, 300, 42), expected)


def test_project_standardizes_rows() -> None:
    vectors = np.random.default_rng(1).normal(size=(4, 8)).astype(np.float32)
    projected = project(vectors, 6, 7)
    np.testing.assert_allclose(projected.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(projected.std(axis=1), 1, atol=1e-3)


def test_project_restores_the_global_generator() -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    project(np.ones((2, 4), np.float32), 3, 42)
    assert torch.equal(state, torch.get_rng_state())
