from __future__ import annotations

import pytest
import torch

from bench import device
from bench.stages import train_rater, train_rater_gp


@pytest.mark.parametrize("name", ["train_rater", "train_rater_gp"])
def test_a_device_is_held_against_the_cpu_and_measured_beside_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stage in (train_rater, train_rater_gp):
        monkeypatch.setattr(stage, "SIZES", {"small": (3_000,)})
    other = "cuda" if torch.cuda.is_available() else "cpu"
    found = device.row(name, "small", other, rounds=1)
    assert found["size"] == 3_000
    assert found["cpu_seconds"] > 0
    assert found["seconds"] > 0
    assert (found["device_mb"] > 0) == (other == "cuda")
