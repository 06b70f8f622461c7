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
from reelgraph.params.baselines import BaselineParams
from reelgraph.params.data import IngestParams
from reelgraph.params.evaluate import EvaluateParams
from reelgraph.params.filter import FilterParams
from reelgraph.params.gnn import GnnParams
from reelgraph.params.kg import KgParams
from reelgraph.params.map import MapParams
from reelgraph.params.projection import ProjectionParams
from reelgraph.params.rater import RaterParams
from reelgraph.params.sequences import SequencesParams
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

DOORS: dict[str, tuple[type[StageParams], Callable[..., str]]] = {
    "ingest": (IngestParams, ingest.work),
    "filter": (FilterParams, filter.work),
    "build_kg": (KgParams, build_kg.build_kg),
    "project": (ProjectionParams, project.project_texts),
    "train_gnn@kg_gnn_bert": (GnnParams, partial(train_gnn.train_gnn, variant="kg_gnn_bert")),
    "make_sequences": (SequencesParams, make_sequences.work),
    "baseline@bias": (BaselineParams, partial(baseline.work, "bias")),
    "train_rater": (RaterParams, train_rater.work),
    "evaluate": (EvaluateParams, evaluate.work),
    "map": (MapParams, partial(layout_map.work, "data/emb_kg_gnn_bert.parquet")),
    "counts": (StageParams, dataset_stats.work),
    "report": (StageParams, report.work),
}

DEFAULTS = YAML(typ="safe", pure=True).load(Path("params.yaml").read_text(encoding="utf-8"))

SMALL = {
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

    stage_runner: str
    prepare: Callable[[Path], Mapping[str, object] | bytes | None]
    """Writes into the folder; returns params by section, or the bytes of params.yaml."""
    made: bool = False
    """Whether the folder has a finished run's files beforehand."""


def through(case: Case, folder: Path) -> dict[str, object]:
    """Open the door; return exit code, what was said, and what is new in the folder."""
    changed = case.prepare(folder)
    if changed is not None or not (folder / "params.yaml").exists():
        if isinstance(changed, bytes):
            (folder / "params.yaml").write_bytes(changed)
        else:
            write_params(folder, changed or {})
    model, work = DOORS[case.door]
    before, said, code = contents(folder), io.StringIO(), 0
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            stage_runner.run(case.door, model, work)
        except SystemExit as stopped:
            code = int(str(stopped.code))
    told = re.sub(r" \[[\d.]+ s\]$", "", said.getvalue().strip()).replace(str(folder), "DIR")
    if isinstance(changed, bytes):
        told = _with_lines(told, changed)
    changes = sorted(name for name, digest in contents(folder).items() if before.get(name) != digest)
    return {"exit": code, "said": told, **({"new": changes} if code else {"rows": rows(folder, changes)})}


def _with_lines(told: str, content: bytes) -> str:
    """Put what stands in a line of params.yaml in the place of its number, which any new param moves."""
    lines = ["", *content.decode(errors="replace").split("\n")]

    def named(found: re.Match[str]) -> str:
        return f"line of {lines[int(found[1])].partition('#')[0].strip()[:40]!r}"

    return re.sub(r"\bline:? (\d+)", named, told)


def write_params(folder: Path, changed: Mapping[str, object]) -> None:
    """Write the project's params, with some changed by section."""
    values = json.loads(json.dumps(DEFAULTS))
    values["baselines"] = {"bias": values["baselines"]["bias"]}
    for section, keys in [*SMALL.items(), *changed.items()]:
        values[section] = values[section] | keys if isinstance(keys, dict) else keys
    (folder / "params.yaml").write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    """Digest every file that a stage may have made."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".timings", ".resume"} & set(path.relative_to(folder).parts)
    }


def rows(folder: Path, names: list[str]) -> dict[str, object]:
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
