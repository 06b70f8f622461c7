"""The registry of raters."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reelgraph.params.base import PARAMS_FILE
from reelgraph.raters.io import read_rater_config
from reelgraph.raters.names import rater_names
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.errors import ArtifactError, ParamError
from tests.helpers.rater_samples import small_rater_params


def test_rater_names_lists_all_raters() -> None:
    assert rater_names() == ["attention", "gp", "transformer"]


@pytest.mark.parametrize("name", ["lstm", "trainer", "networks", "gp.rater", ""])
def test_find_rater_rejects_other_names(name: str) -> None:
    with pytest.raises(ParamError, match=r"model\.type: expected one of attention, gp, transformer, got"):
        find_rater(name)


def test_find_rater_declares_devices_and_processes() -> None:
    gp, attention = find_rater("gp"), find_rater("attention")
    assert (gp.devices, gp.supports_processes) == (("cpu", "cuda"), False)
    assert (attention.devices, attention.supports_processes) == (("cpu", "cuda", "mps"), True)


def test_choose_device_falls_back_to_the_cpu() -> None:
    gp = find_rater("gp")
    chosen = [gp.choose_device(torch.device(name)).type for name in ("cpu", "cuda", "mps")]
    assert chosen == ["cpu", "cuda", "cpu"]


def test_read_rater_config_rejects_an_unknown_rater(tmp_path: Path) -> None:
    config = small_rater_params("gp").config().to_json()
    config["model"]["type"] = "lstm"
    write_json(config, tmp_path / "config.json")
    with pytest.raises(ArtifactError, match=r"config.json: model.type: expected one of .*, got lstm"):
        read_rater_config(str(tmp_path))


def test_to_json_has_the_section_raters_only_where_it_is_not_empty() -> None:
    params = small_rater_params("gp")
    assert sorted(params.config().to_json()) == ["gp", "model"]
    config = params.model_copy(update={"raters": {"pooled": {"scale": 2.0}}}).config()
    assert config.to_json()["raters"] == {"pooled": {"scale": 2.0}}


def test_params_file_has_an_empty_section_raters() -> None:
    assert "\nraters: {} " in Path(PARAMS_FILE).read_text(encoding="utf-8")
