from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.evaluation import plots
from reelgraph.evaluation.calibration import calibration, expected_calibration_error
from reelgraph.evaluation.intervals import Clusters


def test_calibration_of_a_shift() -> None:
    actual = np.array([2.0, 3.0, 3.0, 5.0])
    metrics = calibration(Clusters(np.arange(4)), actual, actual - 0.2, 0)
    assert expected_calibration_error(metrics) == pytest.approx(0.2)
    assert list(metrics) == ["2.0", "3.0", "5.0"]
    assert metrics["3.0"]["n_targets"] == 2
    assert metrics["3.0"]["predicted"] == pytest.approx(2.8)
    assert metrics["3.0"]["actual"] == metrics["3.0"]["actual_low"] == 3.0


def test_calibration_of_a_correct_model() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(2, 4.5, 20_000)
    actual = truth + rng.normal(0, 0.8, 20_000)
    user = Clusters(np.arange(20_000))
    constant = np.full(20_000, truth.mean())
    assert expected_calibration_error(calibration(user, actual, truth, 0)) < 0.03
    assert expected_calibration_error(calibration(user, actual, constant, 0)) < 0.03
    assert expected_calibration_error(calibration(user, actual, 2 * truth - 3.25, 0)) > 0.4


def test_save_calibration_is_deterministic(tmp_path: Path) -> None:
    metrics = calibration(
        Clusters(np.arange(4)), np.array([2.0, 3.0, 3.5, 5.0]), np.array([2.1, 3.0, 3.1, 4.5]), 0
    )
    for name in ("a.png", "b.png"):
        plots.save_calibration(metrics, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
