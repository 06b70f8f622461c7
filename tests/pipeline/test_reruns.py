"""Which stages a change of a param, or of a module, makes stale: those that it bears on, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from dvc.repo import Repo

from reelgraph.params.base import load
from reelgraph.params.evaluation import BaselineParams

GNN = {"train_gnn@kg_gnn_bert", "train_gnn@kg_gnn"}
MEASURED = {"evaluate", "diagnose", "ranking"}
RATER = {"train_rater"} | MEASURED
COMPARED = {"evaluate", "diagnose"}
LINKS = {"links", "embeddings", "map"} | GNN | RATER
BASELINES = {f"baseline@{name}" for name in load(BaselineParams).baselines}
TEXT = {"bert_encode", "project", "counts"} | LINKS
GRAPH = {"build_kg", "counts"} | LINKS
SEQUENCES = {"make_sequences", "counts"} | BASELINES | RATER
ALL = {"ingest", "filter"} | TEXT | GRAPH | SEQUENCES

# Stage report shows every figure and param, so that it follows from every change; see the last test.
TABLE = {
    "seed": ALL,
    "data.source": ALL,
    "demo.users": ALL,
    "engine.memory_mb": ALL,
    "compute.threads": TEXT,
    "compute.device": TEXT,
    "text.model": TEXT,
    "text.batch_size": TEXT,
    "projection.seed": TEXT - {"bert_encode", "counts"},
    "kg.fasttext": GRAPH,
    "kg.val_fraction": LINKS,
    "kg.test_fraction": LINKS,
    "gnn.epochs": LINKS,
    "gnn.loss": LINKS,
    "embeddings.pairs": {"embeddings"},
    "embeddings.knn_queries": {"embeddings"},
    "sequences.train_targets": SEQUENCES,
    "sequences.split": SEQUENCES,
    "sequences.test_fraction": SEQUENCES,
    "data.test": ALL,
    "model.hidden_dim": RATER,
    "model.type": RATER,
    "model.max_history": RATER,
    "gp.epochs": RATER,
    "train.epochs": RATER,
    "train.precision": RATER,
    "train.processes": RATER,
    "evaluate.fit": MEASURED,
    "baselines.recent_mean.recent": {"baseline@recent_mean"} | COMPARED,
    "baselines.item_knn.neighbours": {"baseline@item_knn"} | COMPARED,
    "baselines.biased_mf": {"baseline@biased_mf"} | COMPARED,
    "evaluate.examples": {"evaluate"},
    "evaluate.ranking_users": {"ranking"},
    "reelgraph/raters/networks/attention.py": RATER,
    "reelgraph/raters/networks/transformer.py": RATER,
    "reelgraph/raters/gp/model.py": RATER,
    "reelgraph/raters/networks/distributed.py": RATER,
    "reelgraph/params/model.py": RATER,
    "reelgraph/gnn/sage.py": LINKS,
    "reelgraph/gnn/link_prediction.py": LINKS,
    "reelgraph/gnn/link_prediction.py": LINKS,
    "reelgraph/gnn/trainer.py": LINKS,
    "reelgraph/embeddings/neighbours.py": {"embeddings", "map"},
    "reelgraph/embeddings/pacmap.py": {"map"},
    "reelgraph/report/charts.py": set(),
    "reelgraph/text/encoder.py": TEXT,
    "reelgraph/text/projection.py": TEXT - {"bert_encode", "counts"},
    "reelgraph/graph/entities.py": GRAPH,
    "reelgraph/sequences/splits.py": SEQUENCES,
    "reelgraph/baselines/recent_mean.py": {"baseline@recent_mean"} | COMPARED,
    "reelgraph/baselines/biased_mf.py": {"baseline@biased_mf"} | COMPARED,
    "reelgraph/baselines/registry.py": BASELINES | COMPARED,
    "reelgraph/evaluation/plots.py": COMPARED,
    "reelgraph/evaluation/slices.py": {"diagnose"},
    "reelgraph/evaluation/perturbations.py": {"diagnose"},
    "reelgraph/evaluation/ranking.py": {"ranking"},
    "reelgraph/sources/movielens.py": ALL,
    "stages/filter.py": ALL - {"ingest"},
    "tools/summary.py": set(),
}


@pytest.fixture(scope="module")
def repo() -> Repo:
    return Repo(".")


def stages(repo: Repo) -> list:
    """Those of the pipeline itself, without the studies'."""
    return [stage for stage in repo.index.stages if stage.path_in_repo == "dvc.yaml"]


def stale(repo: Repo, change: str) -> set[str]:
    """Stages that read the change, and all that follow from them."""
    waiting = [stage for stage in stages(repo) if reads(stage, change)]
    found: set[str] = set()
    while waiting:
        stage = waiting.pop()
        if stage.addressing not in found:
            found.add(stage.addressing)
            waiting += [s for s in stages(repo) if follows(s, stage)]
    return found


def reads(stage, change: str) -> bool:
    if "/" in change:
        return any(Path(dep.def_path) == Path(change) for dep in stage.deps if hasattr(dep, "def_path"))
    keys = [key for dep in stage.params for key in dep.params]
    return any(change == key or change.startswith(f"{key}.") for key in keys)


def follows(stage, other) -> bool:
    made = [out.fs_path for out in other.outs]
    needed = [dep.fs_path for dep in stage.deps]
    return any(Path(out).is_relative_to(dep) for out in made for dep in needed)


@pytest.mark.parametrize("change", TABLE)
def test_what_reruns(repo: Repo, change: str) -> None:
    if "/" in change:
        assert Path(change).is_file()
    assert stale(repo, change) - {"report"} == TABLE[change]


def test_every_param_is_read_by_some_stage(repo: Repo) -> None:
    from ruamel.yaml import YAML

    params = YAML(typ="safe").load(Path("params.yaml"))
    leaves = [
        f"{section}.{key}" if isinstance(keys, dict) else section
        for section, keys in params.items()
        for key in (keys if isinstance(keys, dict) else [""])
    ]
    assert [leaf for leaf in leaves if not stale(repo, leaf)] == []


def test_the_report_follows_from_every_stage(repo: Repo) -> None:
    pages = next(stage for stage in repo.index.stages if stage.addressing == "report")
    shown = {"counts", "links", "embeddings", "evaluate", "map", *GNN}
    assert {stage.addressing for stage in repo.index.stages if follows(pages, stage)} >= shown
    for change in (
        "params.yaml",
        "studies/results.json",
        "reelgraph/report/page",
        "reelgraph/report/charts.py",
    ):
        assert reads(pages, change) or any(dep.def_path == change for dep in pages.deps)
