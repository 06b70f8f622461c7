from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.evaluation import plots
from reelgraph.evaluation.calibration import calibration


def test_calibration_of_a_shift() -> None:
    actual = np.array([2.0, 3.0, 3.0, 5.0])
    metrics = calibration(np.arange(4), actual, actual - 0.2, 0)
    assert metrics["ece"] == pytest.approx(0.2)
    assert set(metrics) == {"ece", "bin_04", "bin_06", "bin_10"}
    assert metrics["bin_06"]["n_targets"] == 2
    assert metrics["bin_06"]["predicted"] == pytest.approx(2.8)
    assert metrics["bin_06"]["actual"] == metrics["bin_06"]["actual_ci_low"] == 3.0


def test_calibration_of_a_correct_model() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(2, 4.5, 20_000)
    actual = truth + rng.normal(0, 0.8, 20_000)
    assert calibration(np.arange(20_000), actual, truth, 0)["ece"] < 0.03
    assert calibration(np.arange(20_000), actual, np.full(20_000, truth.mean()), 0)["ece"] < 0.03
    assert calibration(np.arange(20_000), actual, 2 * truth - 3.25, 0)["ece"] > 0.4


def test_save_calibration_is_deterministic(tmp_path: Path) -> None:
    metrics = calibration(np.arange(4), np.array([2.0, 3.0, 3.5, 5.0]), np.array([2.1, 3.0, 3.1, 4.5]), 0)
    for name in ("a.png", "b.png"):
        plots.save_calibration(metrics, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
