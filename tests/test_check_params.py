"""Stage check_params refuses what a later stage would refuse after DVC has removed its outputs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from reelgraph.graph.fasttext_file import HEADER, MAGIC, VERSION
from reelgraph.params.base import StageParams, load
from reelgraph.params.pipeline import PipelineParams, check_sections
from reelgraph.runtime.errors import InputError, ParamError
from stages import check_params
from tests.helpers.params_text import TEXT, replace_entry


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the project's params and the folders that they name."""
    (tmp_path / "params.yaml").write_text(TEXT, encoding="utf-8")
    shutil.copytree("data/input", tmp_path / "data/input")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(folder: Path, **entries: str) -> None:
    """Replace values; ``__`` in a name stands for a dot."""
    text = TEXT
    for name, value in entries.items():
        path = name.replace("__", ".")
        text = replace_entry(path, f"{path.rpartition('.')[2]}: {value}", text)
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def test_main_writes_the_same_bytes_for_all_valid_params(folder: Path) -> None:
    check_params.main(StageParams())
    expected = check_params.RESULT.read_bytes()
    change(folder, model__type="transformer", model__hidden_dim="64", demo__users="7")
    check_params.main(StageParams())
    assert check_params.RESULT.read_bytes() == expected


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"model__type": "gru"}, "model.type: expected one of attention, gp, transformer, got gru"),
        ({"model__hidden_dim": "255"}, "model.hidden_dim: expected a multiple of 2, got 255"),
        ({"model__type": "transformer", "model__heads": "3"}, "hidden_dim divisible by model.heads = 3"),
        ({"model__embedding": "bert"}, "model.embedding: expected one of kg_gnn_bert, kg_gnn, or the NAME of"),
        ({"data__catalog": "no/such/file"}, "data.catalog: expected an existing file or folder, got 'no/such/file'"),
        ({"demo__max_ratings": "50"}, "demo.mean_ratings: expected at most demo.max_ratings = 50, got 100"),
        ({"projection__dim": "200"}, "projection.dim: expected 300, the entity embeddings' with kg.fasttext train"),
        ({"sequences__split": "given"}, "sequences.split: expected a split other than given, unless data.base"),
        ({"train__processes": "2"}, "train.processes: expected 1 with model.type gp"),
        ({"train__users_per_batch": "8", "model__type": "transformer"}, "train.users_per_batch: expected 0 with"),
        ({"raters": "{gru: {a: 1}}"}, "raters.gru: expected one of attention, gp, transformer, got gru"),
        ({"raters": "{attention: {a: 1}}"}, "raters.attention: expected a rater with params of its own"),
        ({"kg__test_fraction": "0.0", "kg__embedding_baselines": "true"}, "a test_fraction above 0 with"),
        ({"train__min_learning_rate": "1.0"}, "expected min_learning_rate of at most learning_rate = "),
        ({"data__base": "u1.base"}, "data: expected base and test both named, or both empty, got base 'u1.base', test ''"),
        ({"sequences__val_fraction": "0.9"}, "got val_fraction 0.9, test_fraction 0.1"),
        ({"baselines__global_mean": "{recent: 3}"}, "baselines.global_mean.recent: expected only keys"),
        ({"evaluate__fit": "all", "seed": "-1"}, "got 2 invalid keys: seed is -1"),
    ],
)  # fmt: skip
def test_main_refuses_values_and_writes_nothing(folder: Path, entries: dict[str, str], message: str) -> None:
    change(folder, **entries)
    with pytest.raises(ParamError) as refused:
        check_params.main(StageParams())
    assert message in str(refused.value)
    assert not check_params.RESULT.exists()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("baselines: {}", "baselines: expected at least 1 entry, got {}"),
        ("baselines: {nope: {}}", "baselines.nope: expected a module of reelgraph/baselines/"),
        (
            "baselines: {user_entity_means: {user_damping: 5.0, genre_damping: 5.0, people_damping: 5.0}}",
            "baselines.user_entity_means: expected a baseline that reads ratings alone",
        ),
    ],
)
def test_main_refuses_baselines(folder: Path, entry: str, message: str) -> None:
    text = re.sub(r"^baselines:.*\n(  .*\n)+", f"{entry}\n", TEXT, flags=re.MULTILINE)
    (folder / "params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ParamError, match=re.escape(message)):
        check_params.main(StageParams())


def test_main_refuses_a_text_model_that_is_no_folder(folder: Path) -> None:
    change(folder, text__model="/no/such/model")
    with pytest.raises(InputError, match="text.model /no/such/model: expected a folder"):
        check_params.main(StageParams())


def test_check_sections_lists_all_contradictions(folder: Path) -> None:
    change(folder, data__tmdb="none", model__embedding="bert", demo__movies="9")
    with pytest.raises(
        ParamError, match=r"3 invalid keys: data\.tmdb is 'none' .* model\.embedding is 'bert'"
    ):
        check_sections(load(PipelineParams))


def test_check_sections_accepts_embeddings_of_the_user(folder: Path) -> None:
    change(folder, model__embedding="mine")
    (folder / "data/emb_mine.parquet").touch()
    check_sections(load(PipelineParams))


def test_main_refuses_the_dimension_of_a_fasttext_file(folder: Path) -> None:
    (folder / "m100.bin").write_bytes(HEADER.pack(MAGIC, VERSION, 100, *[1] * 11, 0.1))
    change(folder, projection__dim="100", kg__fasttext="m100.bin")
    check_params.main(StageParams())
    change(folder, kg__fasttext="m100.bin")
    with pytest.raises(InputError, match=r"got 100 dimensions. Set projection.dim to 100"):
        check_params.main(StageParams())
    change(folder, kg__fasttext="none.bin")
    with pytest.raises(InputError, match="no file"):
        check_params.main(StageParams())


def test_main_refuses_sections_of_the_studies(folder: Path) -> None:
    (folder / "params.yaml").write_text(f"{TEXT}\nprobe:\n  users: 5\n", encoding="utf-8")
    with pytest.raises(ParamError, match="probe: expected one of seed, compute, .*got an unknown key"):
        check_params.main(StageParams())
