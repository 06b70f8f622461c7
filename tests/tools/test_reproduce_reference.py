from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reelgraph.params.base import load
from reelgraph.params.evaluation import BaselineParams, EvaluateParams
from reelgraph.params.graph import BuildKgParams, TrainGnnParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.params.text import BertEncodeParams
from tools.reproduce_reference import SETTINGS, command, next_name

MODELS = (
    BertEncodeParams, BuildKgParams, TrainGnnParams, MakeSequencesParams, TrainRaterParams, BaselineParams,
    EvaluateParams,
)  # fmt: skip


def test_settings_are_valid_params(tmp_path: Path) -> None:
    yaml = YAML()
    params = yaml.load(Path("params.yaml"))
    for key, value in SETTINGS.items():
        *sections, name = key.split(".")
        content = params
        for section in sections:
            content = content[section]
        assert name in content, f"no {key} in params.yaml"
        content[name] = value
    yaml.dump(params, tmp_path / "params.yaml")
    for model in MODELS:
        load(model, tmp_path / "params.yaml")


@pytest.mark.parametrize("option", ["data.source=tables", "seed=1"])
def test_command_puts_the_users_options_last(option: str) -> None:
    assert command("reference-1", ["-S", option])[-2:] == ["-S", option]


def test_command_leaves_unchanged_stages_to_dvcs_cache() -> None:
    assert not {"--force", "-f"} & set(command("reference-1", []))


@pytest.mark.parametrize(
    ("names", "expected"),
    [([], "reference-1"), (["reference-1", "reference-10", "reference-mine"], "reference-11")],
)
def test_next_name_is_new(names: list[str], expected: str) -> None:
    assert next_name(names) == expected
