"""Which stages a change of a param, a package, a script or a data file makes stale."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.stage import Stage
from ruamel.yaml import YAML

GNN = {"train_gnn"}
RATER = {"train_rater", "evaluate"}
BASELINES = {"baselines", "evaluate"}
RANKERS = {"train_ranker", "evaluate"}
EMBEDDINGS = {"evaluate_embeddings", "layout_map"}
LINKS = {"evaluate_links"} | EMBEDDINGS | GNN | RATER
TEXT = {"bert_encode", "project", "dataset_stats"} | LINKS | RANKERS
GRAPH = {"build_kg", "dataset_stats"} | LINKS | RANKERS
SEQUENCES = {"make_sequences", "dataset_stats"} | BASELINES | RATER | RANKERS
ALL = {"ingest", "filter"} | TEXT | GRAPH | SEQUENCES

# Without the stage report, which shows all metrics and params, and check_params: most changes make them stale.
BY_PARAM = {
    "seed": ALL,
    "data.source": ALL,
    "data.test": ALL,
    "demo.users": ALL,
    "engine.memory_mb": ALL,
    "compute.threads": TEXT,
    "compute.device": TEXT,
    "text.model": TEXT,
    "text.batch_size": TEXT,
    "projection.seed": TEXT - {"bert_encode", "dataset_stats", "train_ranker"},
    "kg.fasttext": GRAPH,
    "kg.val_fraction": LINKS,
    "kg.test_fraction": LINKS,
    "gnn.epochs": LINKS,
    "gnn.loss": LINKS,
    "embeddings.pairs": {"evaluate_embeddings"},
    "embeddings.knn_queries": {"evaluate_embeddings"},
    "sequences.train_targets": SEQUENCES,
    "sequences.split": SEQUENCES,
    "sequences.test_fraction": SEQUENCES,
    "model.hidden_dim": RATER,
    "model.type": RATER,
    "model.max_history": RATER,
    "gp.epochs": RATER,
    "train.epochs": RATER,
    "train.precision": RATER,
    "train.processes": RATER,
    "evaluate.fit": RATER | RANKERS,
    "evaluate.examples": {"evaluate"},
    "evaluate.ranking_users": {"evaluate"},
    "rankers.blend.days": RANKERS,
    "baselines.recent_mean.recent": BASELINES,
    "baselines.item_knn.neighbours": BASELINES,
    "baselines.biased_mf": BASELINES,
}

BY_CODE = {
    "reelgraph/runtime": set(),
    "reelgraph/params": set(),
    "reelgraph/app": set(),
    "reelgraph/core": ALL,
    "reelgraph/core/schemas": ALL,
    "reelgraph/sources": ALL,
    "reelgraph/text": TEXT,
    "reelgraph/graph": GRAPH,
    "reelgraph/gnn": LINKS,
    "reelgraph/embeddings": EMBEDDINGS,
    "reelgraph/sequences": SEQUENCES,
    "reelgraph/raters": RATER,
    "reelgraph/raters/gp/model.py": RATER,
    "reelgraph/raters/networks/attention.py": RATER,
    "reelgraph/rankers": RANKERS,
    "reelgraph/baselines": BASELINES,
    "reelgraph/baselines/recent_mean.py": BASELINES,
    "reelgraph/evaluation": {"evaluate"},
    "reelgraph/report": set(),
    "stages/filter.py": ALL - {"ingest"},
    "stages/baselines.py": BASELINES,
    "stages/evaluate.py": {"evaluate"},
    "studies": set(),
    "tools": set(),
}


CONSTANT = {"check_params"}
"""Stages whose output never changes, so that its readers do not rerun."""


@cache
def pipeline_stages() -> dict[str, Stage]:
    """Return the stages by name."""
    return {stage.addressing: stage for stage in Repo(".").index.stages}


@cache
def readers(name: str) -> set[str]:
    """Return the stages that read an output of a stage."""
    outs = [Path(out.fs_path) for out in pipeline_stages()[name].outs]
    return {
        other
        for other, stage in pipeline_stages().items()
        if any(out.is_relative_to(dep.fs_path) for out in outs for dep in stage.deps)
    }


def stale_stages(change: str) -> set[str]:
    """Return the stages that read a param or a path, and all stages downstream of them."""
    queue = [
        name
        for name, stage in pipeline_stages().items()
        if reads_param(stage, change) or reads_path(stage, change)
    ]
    stale: set[str] = set()
    while queue:
        name = queue.pop()
        if name not in stale:
            stale.add(name)
            queue += [] if name in CONSTANT else readers(name)
    return stale


def reads_param(stage: Stage, change: str) -> bool:
    keys = [key for dep in stage.params for key in dep.params]
    return any(change == key or change.startswith(f"{key}.") for key in keys)


def reads_path(stage: Stage, change: str) -> bool:
    """Whether one of the stage's deps is the path, contains it or lies in it."""
    deps = [Path(dep.def_path) for dep in stage.deps if hasattr(dep, "def_path")]
    return any(
        Path(change).is_relative_to(dep) or dep.is_relative_to(change)
        for dep in deps
        if not dep.is_absolute()
    )


@pytest.mark.parametrize("param", BY_PARAM)
def test_a_changed_param_reruns_the_stages_that_read_it(param: str) -> None:
    assert stale_stages(param) - {"report", "check_params"} == BY_PARAM[param]


@pytest.mark.parametrize("path", BY_CODE)
def test_changed_code_reruns_the_stages_that_import_it(path: str) -> None:
    assert Path(path).exists()
    assert stale_stages(path) - {"report", "check_params"} == BY_CODE[path]


def test_every_package_is_in_the_table() -> None:
    packages = {str(path.parent) for path in Path("reelgraph").glob("*/[a-z]*.py")}
    assert packages <= set(BY_CODE)


def test_every_param_is_read_by_a_stage() -> None:
    params = YAML(typ="safe").load(Path("params.yaml"))
    keys = [
        f"{section}.{key}" if isinstance(values, dict) else section
        for section, values in params.items()
        for key in (values if isinstance(values, dict) else [""])
    ]
    assert [key for key in keys if not stale_stages(key)] == []


def test_every_stage_comes_after_check_params() -> None:
    downstream: set[str] = set()
    queue = ["check_params"]
    while queue:
        new = readers(queue.pop()) - downstream
        downstream |= new
        queue += new
    assert downstream == pipeline_stages().keys() - {"check_params"}


def test_the_report_is_downstream_of_all_metrics() -> None:
    upstream = {name for name in pipeline_stages() if "report" in readers(name)}
    assert upstream >= {"dataset_stats", "evaluate", "evaluate_links", *EMBEDDINGS, *GNN}
    for path in ("params.yaml", "studies/results.json", "reelgraph/report/page"):
        assert reads_path(pipeline_stages()["report"], path)
