from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.params.base import StageParams, load
from reelgraph.params.data import IngestParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.runtime.errors import ParamError

DEFAULTS = Path("params.yaml").read_text(encoding="utf-8")


def test_load_accepts_the_defaults() -> None:
    assert load(TrainRaterParams).model.hidden_dim == 128


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hidden_dim: 128 ", "hidden_dim: '128' ", "model.hidden_dim: expected a valid integer, got '128'"),
        ("hidden_dim: 128 ", "hidden_dim: 127 ", "model.hidden_dim: expected a multiple of 2, got 127"),
        (
            "hidden_dim: 128 ",
            "hiden_dim: 128 ",
            "got 2 invalid keys: model.hidden_dim is missing; model.hiden_dim is an unknown key. See",
        ),
        ("dropout: 0.1 ", "dropout: .nan ", "model.dropout: expected a finite number, got nan"),
        ("dropout: 0.1 ", "dropout: 1.0 ", "model.dropout: expected less than 1, got 1.0"),
        ("\nmodel:", "\nmodle:", "modle: expected one of seed"),
        ("\nseed: 42", "\nseed: 42\nseed: 43", "each once, got seed once more at line 5. Write"),
        ("\nseed: 42", "\nseed: &a 42", "each once, got seed (line 4) has an anchor or an alias. Write"),
        ("\nseed: 42", "\nspare: &a 42\nseed: *a", "seed (line 5) has an anchor or an alias. Write"),
        ("\nseed: 42", "\nseed: -1", "seed: expected greater than or equal to 0, got -1"),
        ("\nseed: 42", "\nseed: true", "seed: expected a valid integer, got True"),
        ("epochs: 30 ", "epochs: 30\n  epochz: 3 ", "train.epochz: expected only keys that the section has"),
    ],
)
def test_refused_by_key_path(tmp_path: Path, old: str, new: str, said: str) -> None:
    changed = tmp_path / "params.yaml"
    assert old in DEFAULTS
    changed.write_text(DEFAULTS.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ParamError) as refused:
        load(TrainRaterParams, changed)
    assert said in str(refused.value)


def test_scientific_notation_is_a_number(tmp_path: Path) -> None:
    changed = tmp_path / "params.yaml"
    changed.write_text(DEFAULTS.replace("weight_decay: 0.01 ", "weight_decay: 1e-3 "), encoding="utf-8")
    assert load(TrainRaterParams, changed).train.weight_decay == 0.001


@pytest.mark.parametrize(
    ("model", "old", "new", "said"),
    [
        (
            MakeSequencesParams,
            "val_fraction: 0.1 ",
            "val_fraction: 0.9 ",
            "val_fraction and test_fraction whose sum is below 1",
        ),
        (IngestParams, 'base: ""', "base: u1.base", "base and test both named, or both empty"),
    ],
)
def test_params_that_belong_together(
    tmp_path: Path, model: type[StageParams], old: str, new: str, said: str
) -> None:
    changed = tmp_path / "params.yaml"
    changed.write_text(DEFAULTS.replace(old, new), encoding="utf-8")
    with pytest.raises(ParamError, match=said):
        load(model, changed)


def test_heads_must_divide_the_hidden_size(tmp_path: Path) -> None:
    changed = tmp_path / "params.yaml"
    text = DEFAULTS.replace("type: gp ", "type: transformer ").replace("heads: 4 ", "heads: 5 ")
    changed.write_text(text, encoding="utf-8")
    with pytest.raises(ParamError, match=r"hidden_dim divisible by model\.heads = 5"):
        load(TrainRaterParams, changed)
