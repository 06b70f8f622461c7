"""Stages run in this process on a folder with prepared input, to see what they accept and refuse."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
from ruamel.yaml import YAML

from reelgraph.params.base import StageParams
from reelgraph.params.data import FilterParams, IngestParams
from reelgraph.params.evaluation import BaselineParams, EvaluateParams, TrainRankerParams
from reelgraph.params.graph import BuildKgParams, LayoutMapParams, TrainGnnParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.params.text import ProjectParams
from reelgraph.runtime import stage_runner
from stages import (
    baselines,
    build_kg,
    dataset_stats,
    evaluate,
    ingest,
    layout_map,
    make_sequences,
    project,
    report,
    train_gnn,
    train_ranker,
    train_rater,
)
from stages import filter as filter_stage

STAGES: dict[str, tuple[type[StageParams], Callable[..., str]]] = {
    "ingest": (IngestParams, ingest.main),
    "filter": (FilterParams, filter_stage.main),
    "build_kg": (BuildKgParams, build_kg.main),
    "project": (ProjectParams, project.main),
    "train_gnn": (TrainGnnParams, train_gnn.main),
    "make_sequences": (MakeSequencesParams, make_sequences.main),
    "baselines": (BaselineParams, baselines.main),
    "train_rater": (TrainRaterParams, train_rater.main),
    "train_ranker": (TrainRankerParams, train_ranker.main),
    "evaluate": (EvaluateParams, evaluate.main),
    "layout_map": (LayoutMapParams, partial(layout_map.main, path="data/emb_kg_gnn_bert.parquet")),
    "dataset_stats": (StageParams, dataset_stats.main),
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

MAX_SHOWN_ROWS = 8


@dataclass(frozen=True)
class Case:
    """An input of a stage."""

    stage: str
    prepare: Callable[[Path], Mapping[str, object] | bytes | None]
    """Write files into the folder; return changed params by section, or the bytes of params.yaml."""
    needs_finished_run: bool = False
    """Whether the folder starts with the files of a finished run."""


def run_case(case: Case, folder: Path) -> dict[str, object]:
    """Run the stage of a case; return its exit code, its output, and its new files or their rows."""
    params_model, main = STAGES[case.stage]
    changed_params = case.prepare(folder)
    if isinstance(changed_params, bytes):
        (folder / "params.yaml").write_bytes(changed_params)
    elif changed_params is not None or not (folder / "params.yaml").exists():
        write_params(folder, changed_params or {}, [*params_model.model_fields] or DEFAULT_PARAMS)
    digests_before = file_digests(folder)
    stream = io.StringIO()
    exit_code = 0
    with contextlib.chdir(folder), contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        try:
            stage_runner.run_stage(case.stage, params_model, main)
        except SystemExit as error:
            exit_code = int(str(error.code))
    output = re.sub(r" \[[\d.]+ s\]$", "", stream.getvalue().strip()).replace(str(folder), "DIR")
    if isinstance(changed_params, bytes):
        output = _quote_lines(output, changed_params)
    digests = file_digests(folder)
    new_files = sorted(name for name, digest in digests.items() if digests_before.get(name) != digest)
    if exit_code:
        return {"exit": exit_code, "output": output, "new": new_files}
    return {"exit": exit_code, "output": output, "rows": table_rows(folder, new_files)}


def _quote_lines(output: str, params_file: bytes) -> str:
    """Replace line numbers of params.yaml by the text of the line: each new param moves the numbers."""
    lines = ["", *params_file.decode(errors="replace").split("\n")]

    def quote(match: re.Match[str]) -> str:
        return f"line of {lines[int(match[1])].partition('#')[0].strip()[:40]!r}"

    return re.sub(r"\bline:? (\d+)", quote, output)


def write_params(
    folder: Path, changed: Mapping[str, object], sections: Iterable[str] = tuple(DEFAULT_PARAMS)
) -> None:
    """Write sections of the project's params, with small sizes, and the changed ones."""
    values = json.loads(json.dumps(DEFAULT_PARAMS))
    values["baselines"] = {"bias": values["baselines"]["bias"]}
    values["rankers"] = {"blend": values["rankers"]["blend"]}
    for section, keys in [*SMALL_PARAMS.items(), *changed.items()]:
        values[section] = values[section] | keys if isinstance(keys, dict) else keys
    values = {section: value for section, value in values.items() if section in {*sections, *changed}}
    (folder / "params.yaml").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file that a stage may have written."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".timings", ".checkpoints"} & set(path.relative_to(folder).parts)
    }


def table_rows(folder: Path, names: list[str]) -> dict[str, object]:
    """Return the non-null cells of small new tables, and the number of rows of large ones."""
    return {
        name: [
            {key: _shorten(value) for key, value in row.items() if value is not None}
            for row in table.to_pylist()
        ]
        if table.num_rows <= MAX_SHOWN_ROWS
        else table.num_rows
        for name in names
        if name.endswith(".parquet") and "data/" in name
        for table in [pq.read_table(folder / name)]
    }


def _shorten(value: object) -> object:
    return f"{value[:60]}… ({len(value):,})" if isinstance(value, str) and len(value) > 80 else value
