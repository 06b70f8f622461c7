from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from reelgraph.report.inputs import target_fingerprint
from reelgraph.runtime.atomic_io import write_parquet
from tools import collect_studies
from tools.collect_studies import collect_results

PREDICTIONS = pa.table({"userId": [1, 2], "movieId": [3, 4], "rating": [4.0, 3.5], "prediction": [3.0, 3.1]})
TARGETS = target_fingerprint(PREDICTIONS)
FIGURES = {"svdpp": {"rmse": 0.9}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_parquet(PREDICTIONS, tmp_path / "data/predictions.parquet")
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
    assert collect_study(project, sequences="h1") == {"targets": TARGETS, "stale": False, "figures": FIGURES}


def test_collect_results_stale_embeddings(project: Path) -> None:
    result = collect_study(project, sequences="h1", **{"emb.parquet": "e0"})
    assert result == {"targets": TARGETS, "stale": True, "figures": FIGURES}


def test_collect_results_other_ratings(project: Path) -> None:
    assert collect_study(project, sequences="h0")["targets"] == ""
    assert collect_study(project, **{"emb.parquet": "e1"})["targets"] == ""


def test_collect_results_keeps_earlier_results_without_a_lock(project: Path) -> None:
    (project / "studies/external_baselines/results.tsv").write_text("model\trmse\nsvdpp\t0.9\n")
    previous = {"external_baselines": {"targets": TARGETS, "stale": True, "figures": FIGURES}}
    (project / "studies/results.json").write_text(json.dumps(previous))
    assert collect_results(project) == previous


def test_collect_results_keeps_earlier_results_without_predictions(project: Path) -> None:
    (project / "data/predictions.parquet").unlink()
    previous = {"probe": {"targets": TARGETS, "stale": False, "figures": FIGURES}}
    (project / "studies/results.json").write_text(json.dumps(previous))
    assert collect_results(project) == previous


def test_main_copies_predictions_and_tells_whether_a_file_changed(project: Path) -> None:
    assert collect_studies.main(project)
    assert not collect_studies.main(project)
    (project / "data/external_baselines.tsv").write_text("user\tmovie\tactual\tsvd.train\n1\t3\t4\t3.5\n")
    assert collect_studies.main(project)
    assert (project / "studies/external_baselines.tsv").read_text().endswith("1\t3\t4\t3.5\n")
    assert not collect_studies.main(project)
