from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.collect_studies import collect_results

COUNTS = {"filter": {"users": 3}}
FIGURES = {"svdpp": {"rmse": 0.9}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/data.json").write_text('{"filter": {"users": 3}}')
    (tmp_path / "studies/external_baselines").mkdir(parents=True)
    (tmp_path / "dvc.lock").write_text(lock("outs", {"data/sequences": "h1", "data/emb.parquet": "e1"}))
    return tmp_path


def lock(kind: str, hashes: dict[str, str]) -> str:
    entries = "".join(f"    - path: {path}\n      md5: {md5}\n" for path, md5 in hashes.items())
    return f"schema: '2.0'\nstages:\n  one:\n    cmd: x\n    {kind}:\n{entries}"


def collect_study(project: Path, **hashes: str) -> dict:
    (project / "studies/external_baselines/results.tsv").write_text("model\trmse\nsvdpp\t0.9\n")
    dependencies = {f"../../data/{name}": md5 for name, md5 in hashes.items()}
    (project / "studies/external_baselines/dvc.lock").write_text(lock("deps", dependencies))
    return collect_results(project)["external_baselines"]


def test_collect_results_without_studies(project: Path) -> None:
    assert collect_results(project) == {}


def test_collect_results_up_to_date(project: Path) -> None:
    assert collect_study(project, sequences="h1") == {"data": COUNTS, "stale": False, "figures": FIGURES}


def test_collect_results_stale_embeddings(project: Path) -> None:
    result = collect_study(project, sequences="h1", **{"emb.parquet": "e0"})
    assert result == {"data": COUNTS, "stale": True, "figures": FIGURES}


def test_collect_results_other_ratings(project: Path) -> None:
    assert collect_study(project, sequences="h0")["data"] == {}
    assert collect_study(project, **{"emb.parquet": "e1"})["data"] == {}


def test_collect_results_keeps_earlier_results_without_a_lock(project: Path) -> None:
    (project / "studies/external_baselines/results.tsv").write_text("model\trmse\nsvdpp\t0.9\n")
    earlier = {"external_baselines": {"data": COUNTS, "stale": True, "figures": FIGURES}}
    (project / "studies/results.json").write_text(json.dumps(earlier))
    assert collect_results(project) == earlier


def test_collect_results_keeps_earlier_results_without_counts(project: Path) -> None:
    (project / "reports/data.json").unlink()
    earlier = {"probe": {"data": COUNTS, "stale": False, "figures": FIGURES}}
    (project / "studies/results.json").write_text(json.dumps(earlier))
    assert collect_results(project) == earlier
