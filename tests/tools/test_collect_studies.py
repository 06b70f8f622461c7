from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from reelgraph.report.inputs import target_fingerprint
from reelgraph.runtime.atomic_io import write_json, write_parquet
from studies.study import RECORDS
from tools.collect_studies import collect_results

PREDICTIONS = pa.table({"userId": [1, 2], "movieId": [3, 4], "rating": [4.0, 3.5], "prediction": [3.0, 3.1]})
TARGETS = target_fingerprint(PREDICTIONS)
FIGURES = {"svdpp": {"rmse": 0.9}}
LOCK = """schema: '2.0'
stages:
  one:
    cmd: x
    outs:
    - {path: data/sequences, md5: h1}
    - {path: data/emb.parquet, md5: e1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_parquet(PREDICTIONS, tmp_path / "data/predictions.parquet")
    (tmp_path / "studies/external_baselines").mkdir(parents=True)
    (tmp_path / "studies/external_baselines/results.tsv").write_text("model\trmse\nsvdpp\t0.9\n")
    (tmp_path / "dvc.lock").write_text(LOCK)
    return tmp_path


def collect_study(project: Path, **hashes: str) -> dict:
    inputs = {f"data/{name}": md5 for name, md5 in hashes.items()}
    write_json(inputs, project / RECORDS / "external_baselines.json")
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


def test_collect_results_keeps_earlier_results_of_other_clones(project: Path) -> None:
    previous = {"external_baselines": {"targets": TARGETS, "stale": True, "figures": FIGURES}}
    (project / "studies/results.json").write_text(json.dumps(previous))
    assert collect_results(project) == previous


def test_collect_results_keeps_earlier_results_without_predictions(project: Path) -> None:
    (project / "data/predictions.parquet").unlink()
    previous = {"probe": {"targets": TARGETS, "stale": False, "figures": FIGURES}}
    (project / "studies/results.json").write_text(json.dumps(previous))
    assert collect_results(project) == previous
