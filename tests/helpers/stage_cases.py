"""A stage's door, opened in this process on a folder of its own."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from reelgraph.params.base import StageParams
from reelgraph.params.data import FilterParams, IngestParams
from reelgraph.params.evaluation import BaselineParams, EvaluateParams
from reelgraph.params.graph import BuildKgParams, LayoutMapParams, TrainGnnParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.params.text import ProjectParams
from reelgraph.runtime import stage_runner
from stages import (
    baseline,
    build_kg,
    dataset_stats,
    evaluate,
    filter,
    ingest,
    layout_map,
    make_sequences,
    project,
    report,
    train_gnn,
    train_rater,
)

STAGES: dict[str, tuple[type[StageParams], Callable[..., str]]] = {
    "ingest": (IngestParams, ingest.main),
    "filter": (FilterParams, filter.main),
    "build_kg": (BuildKgParams, build_kg.main),
    "project": (ProjectParams, project.main),
    "train_gnn@kg_gnn_bert": (TrainGnnParams, partial(train_gnn.main, variant="kg_gnn_bert")),
    "make_sequences": (MakeSequencesParams, make_sequences.main),
    "baseline@bias": (BaselineParams, partial(baseline.main, "bias")),
    "train_rater": (TrainRaterParams, train_rater.main),
    "evaluate": (EvaluateParams, evaluate.main),
    "map": (LayoutMapParams, partial(layout_map.main, "data/emb_kg_gnn_bert.parquet")),
    "counts": (StageParams, dataset_stats.main),
    "report": (StageParams, report.main),
}

DEFAULT_PARAMS = YAML(typ="safe", pure=True).load(Path("params.yaml").read_text(encoding="utf-8"))

SMALL_PARAMS = {
    "demo": {"users": 25, "movies": 40, "mean_ratings": 20, "max_ratings": 40},
    "kg": {"fasttext_epochs": 1},
    "gnn": {"epochs": 1, "hidden_dim": 8, "out_dim": 8},
    "model": {"type": "attention", "hidden_dim": 8},
    "train": {"epochs": 1},
    "compute": {"threads": 1},
}  # fmt: skip

FEW_ROWS = 8


@dataclass(frozen=True)
class Case:
    """Something that a stranger might hand over."""

    stage: str
    prepare: Callable[[Path], Mapping[str, object] | bytes | None]
    """Writes into the folder; returns params by section, or the bytes of params.yaml."""
    needs_finished_run: bool = False
    """Whether the folder has a finished run's files beforehand."""


def run_case(case: Case, folder: Path) -> dict[str, object]:
    """Open the door; return exit code, what was said, and what is new in the folder."""
    changed = case.prepare(folder)
    if changed is not None or not (folder / "params.yaml").exists():
        if isinstance(changed, bytes):
            (folder / "params.yaml").write_bytes(changed)
        else:
            write_params(folder, changed or {})
    model, work = STAGES[case.stage]
    before, said, code = file_digests(folder), io.StringIO(), 0
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            stage_runner.run_stage(case.stage, model, work)
        except SystemExit as stopped:
            code = int(str(stopped.code))
    told = re.sub(r" \[[\d.]+ s\]$", "", said.getvalue().strip()).replace(str(folder), "DIR")
    if isinstance(changed, bytes):
        told = _with_lines(told, changed)
    changes = sorted(name for name, digest in file_digests(folder).items() if before.get(name) != digest)
    return {
        "exit": code,
        "said": told,
        **({"new": changes} if code else {"rows": table_rows(folder, changes)}),
    }


def _with_lines(told: str, content: bytes) -> str:
    """Put what stands in a line of params.yaml in the place of its number, which any new param moves."""
    lines = ["", *content.decode(errors="replace").split("\n")]

    def named(found: re.Match[str]) -> str:
        return f"line of {lines[int(found[1])].partition('#')[0].strip()[:40]!r}"

    return re.sub(r"\bline:? (\d+)", named, told)


def write_params(folder: Path, changed: Mapping[str, object]) -> None:
    """Write the project's params, with some changed by section."""
    values = json.loads(json.dumps(DEFAULT_PARAMS))
    values["baselines"] = {"bias": values["baselines"]["bias"]}
    for section, keys in [*SMALL_PARAMS.items(), *changed.items()]:
        values[section] = values[section] | keys if isinstance(keys, dict) else keys
    (folder / "params.yaml").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def file_digests(folder: Path) -> dict[str, str]:
    """Digest every file that a stage may have made."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".timings", ".checkpoints"} & set(path.relative_to(folder).parts)
    }


def table_rows(folder: Path, names: list[str]) -> dict[str, object]:
    """Return the rows of small tables without what is missing, and the number of rows of large ones."""
    return {
        name: [
            {key: _short(value) for key, value in row.items() if value is not None}
            for row in table.to_pylist()
        ]
        if table.num_rows <= FEW_ROWS
        else table.num_rows
        for name in names
        if name.endswith(".parquet") and "data/" in name
        for table in [pq.read_table(folder / name)]
    }


def _short(value: object) -> object:
    return f"{value[:60]}… ({len(value):,})" if isinstance(value, str) and len(value) > 80 else value
