from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reelgraph.params.base import StageParams, load
from reelgraph.params.data import IngestParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.runtime.errors import ParamError
from tests.helpers.params_text import TEXT, replace_entry


def test_load_accepts_the_defaults() -> None:
    values = YAML(typ="safe").load(TEXT)
    assert load(TrainRaterParams).model.hidden_dim == values["model"]["hidden_dim"]


@pytest.mark.parametrize(
    ("path", "entry", "message"),
    [
        ("model.hidden_dim", "hidden_dim: '128'", "model.hidden_dim: expected a valid integer, got '128'"),
        ("model.hidden_dim", "hidden_dim: 127", "model.hidden_dim: expected a multiple of 2, got 127"),
        (
            "model.hidden_dim",
            "hiden_dim: 128",
            "got 2 invalid keys: model.hidden_dim is missing; model.hiden_dim is an unknown key. See",
        ),
        ("model.dropout", "dropout: .nan", "model.dropout: expected a finite number, got nan"),
        ("model.dropout", "dropout: 1.0", "model.dropout: expected less than 1, got 1.0"),
        ("seed", "seed: 42\nmodle: {}", "modle: expected one of seed"),
        ("seed", "seed: 42\nseed: 43", "each once, got seed once more at line 5. Write"),
        ("seed", "seed: &a 42", "each once, got seed (line 4) has an anchor or an alias. Write"),
        ("seed", "spare: &a 42\nseed: *a", "seed (line 5) has an anchor or an alias. Write"),
        ("seed", "seed: -1", "seed: expected greater than or equal to 0, got -1"),
        (
            "model.type",
            "type: GP",
            "model.type: expected text that matches pattern '^[a-z][a-z0-9_]*$', got 'GP'",
        ),
        ("seed", "seed: true", "seed: expected a valid integer, got True"),
        ("train.epochs", "epochs: 30\n  epochz: 3", "train.epochz: expected only keys that the section has"),
    ],
)
def test_load_refuses_a_value_by_its_key_path(tmp_path: Path, path: str, entry: str, message: str) -> None:
    changed = tmp_path / "params.yaml"
    changed.write_text(replace_entry(path, entry), encoding="utf-8")
    with pytest.raises(ParamError) as refused:
        load(TrainRaterParams, changed)
    assert message in str(refused.value)


def test_load_reads_scientific_notation_as_a_number(tmp_path: Path) -> None:
    changed = tmp_path / "params.yaml"
    changed.write_text(replace_entry("train.weight_decay", "weight_decay: 1e-3"), encoding="utf-8")
    assert load(TrainRaterParams, changed).train.weight_decay == 0.001


@pytest.mark.parametrize(
    ("model", "path", "entry", "message"),
    [
        (
            MakeSequencesParams,
            "sequences.val_fraction",
            "val_fraction: 0.9",
            "val_fraction and test_fraction whose sum is below 1",
        ),
        (IngestParams, "data.base", "base: u1.base", "base and test both named, or both empty"),
        (IngestParams, "data.catalog", "catalog: ''", "expected text of at least 1 character, got ''"),
    ],
)
def test_load_refuses_values_of_other_sections(
    tmp_path: Path, model: type[StageParams], path: str, entry: str, message: str
) -> None:
    changed = tmp_path / "params.yaml"
    changed.write_text(replace_entry(path, entry), encoding="utf-8")
    with pytest.raises(ParamError, match=message):
        load(model, changed)


def test_load_refuses_heads_that_do_not_divide_hidden_dim(tmp_path: Path) -> None:
    changed = tmp_path / "params.yaml"
    text = replace_entry("model.type", "type: transformer", replace_entry("model.heads", "heads: 5"))
    changed.write_text(text, encoding="utf-8")
    with pytest.raises(ParamError, match=r"hidden_dim divisible by model\.heads = 5"):
        load(TrainRaterParams, changed)
