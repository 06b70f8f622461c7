"""What the whole pipeline writes on a tiny demo, and that a fresh clone writes the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.core.schemas.reports import read_reports
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline

BASELINES = (
    "global_mean", "user_mean", "item_mean", "recent_mean", "bias", "bias_recent", "item_knn", "biased_mf"
)  # fmt: skip


def read_metrics(project: Project, name: str) -> dict:
    return json.loads((project.folder / f"metrics/{name}.json").read_text())


def test_repro_writes_the_metrics_files(project: Project) -> None:
    files = sorted(path.name for path in (project.folder / "metrics").iterdir())
    assert files == ["baselines.json", "embeddings.json", "links.json", "ranking.json", "rater.json"]
    metrics = {file: read_metrics(project, file.removesuffix(".json")) for file in files}
    assert sum(map(len, metrics.values())) <= 40
    assert {"rmse", "rmse_low", "rmse_high", "mae", "val_rmse"} <= set(metrics["rater.json"])
    assert metrics["baselines.json"]["best"] in BASELINES
    shown = project.run("dvc", "metrics", "show").splitlines()
    assert [line.split()[0] for line in shown[1:]] == [
        f"metrics/{name}.json" for name in ("rater", "baselines", "ranking", "links", "embeddings")
    ]
    assert max(map(len, shown)) <= 200


def test_repro_writes_the_tables(project: Project) -> None:
    tables = read_reports(project.folder / "reports")
    models = tables["models"]
    assert list(models) == ["rater", *BASELINES]
    columns = {"rmse", "mae", "val_rmse", "rmse_low", "rmse_high", "mae_low", "mae_high"}
    paired = {"rmse_diff_low", "rmse_diff_high", "mae_diff_low", "mae_diff_high"}
    assert columns <= set(models["rater"])
    assert all(columns | paired <= set(models[name]) for name in BASELINES)
    for variant in ("kg_gnn", "kg_gnn_bert"):
        assert {"anisotropy", "pair_cos_mean", "pair_cos_p95", "isoscore"} < set(
            tables["embeddings"][variant]["raw"]
        )
    assert set(tables["links"]) == {"gnn", "random", "popularity", "cosine"}
    for model in tables["links"].values():
        assert set(model) == {*ENTITY_COLUMNS, "micro", "macro"}
        assert all({"mrr", "mrr_low", "mrr_high", "hits_1"} < set(row) for row in model.values())
    rater = models["rater"]
    assert rater["parameters"] > 0
    assert rater["oracle_rmse"] < rater["bayes_rmse"]
    counts = json.loads((project.folder / "reports/data.json").read_text())
    assert {"filter", "text", "kg", "sequences"} <= set(counts)


def test_evaluate_writes_tables(project: Project) -> None:
    tables = read_reports(project.folder / "reports")
    rater = tables["models"]["rater"]
    slices = tables["slices"]
    assert set(slices) == {"history", "popularity", "user_mean", "user_std", "rating", "year", "user"}
    for bins in slices.values():
        assert sum(row["n_targets"] for row in bins.values()) == rater["n_targets"]
        assert {row["baseline"] for row in bins.values()} < set(BASELINES)
    assert sum(row["n_targets"] for row in tables["calibration"].values()) == rater["n_targets"]
    perturbations = tables["perturbations"]
    assert set(perturbations) == {"history_shuffled", "ratings_hidden", "content_masked"}
    for by_targets in perturbations.values():
        assert set(by_targets) == {"test", "val"}
        columns = {"rmse", "rmse_increase", "rmse_increase_low", "rmse_increase_high"}
        assert all(set(row) == columns for row in by_targets.values())
    ranking = tables["ranking"]
    assert {"blend", "rater", "popularity", "ease", "item_mean"} <= set(ranking)
    recommended = ranking["recommended"]
    assert recommended["val_rated_20"] > 0
    error = recommended["val_predicted_20"] - recommended["val_actual_20"]
    assert recommended["val_stars_diff_low"] - 0.01 <= error <= recommended["val_stars_diff_high"] + 0.01
    assert all(0 <= row["ndcg_10"] <= 1 and 0 <= row["recall_20"] <= 1 for row in ranking.values())


def test_a_second_repro_runs_nothing(project: Project) -> None:
    assert "Data and pipelines are up to date" in project.run("dvc", "repro")
    assert project.run("dvc", "status", "dvc.yaml").strip() == "Data and pipelines are up to date."


def without_network() -> tuple[str, ...]:
    """Return the prefix that runs a command without a network; empty where the system does not allow it."""
    prefix = ("unshare", "--net")
    return (
        prefix if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0 else ()
    )


OTHER_KERNELS = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "OPENBLAS_CORETYPE": "Prescott",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX512VL",
}
"""Variables by which the libraries choose the kernels of another processor."""


def test_repro_in_a_fresh_clone_writes_the_same_bytes(project: Project, tmp_path: Path) -> None:
    clone = project.clone(tmp_path / "clone")
    rebuilt = clone.run("python", "-m", "tools.prepare_repro")
    assert rebuilt.startswith("This clone has no data yet: `dvc repro` runs all ")
    assert rebuilt.count("\n") == 1
    stages = set(clone.run("dvc", "stage", "list", "--name-only").split())
    with_metrics_in_git = {"evaluate_embeddings", "dataset_stats"}
    other = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", **OTHER_KERNELS}
    command = (*without_network(), "taskset", "--cpu-list", "0", "dvc", "repro")
    assert clone.executed_stages(*command, **other) == stages - with_metrics_in_git
    assert clone.run("git", "status", "--short", "dvc.lock", "metrics", "plots", "reports") == ""


def test_plots_show_renders_every_plot(project: Project, tmp_path: Path) -> None:
    output = project.run("dvc", "plots", "show", "-o", str(tmp_path))
    assert "failed" not in output.lower()
    page = (tmp_path / "index.html").read_text()
    for title in ("GNN loss", "Validation links", "Rater loss", "Rater RMSE", "Rater MAE on validation"):
        assert title in page
    for picture in ("predicted_actual", "errors", "baselines", "calibration"):
        assert f"{picture}.png" in page


def test_summary_names_all_models(project: Project) -> None:
    output = project.run("python", "-m", "tools.summary")
    for name in ("rater", "user_mean", "recent_mean", "global_mean", "best possible"):
        assert name in output


def test_report_has_every_model_and_movie(project: Project) -> None:
    page = (project.folder / "data/report/index.html").read_text()
    for shown in (
        "user mean",
        "lowest possible RMSE",
        "make external-baselines",
        "max_ratings",
        "Map of all movies",
    ):
        assert shown in page
    movies = pq.read_table(project.folder / "data/movies.parquet")["original_title"]
    assert all(
        json.dumps(title, ensure_ascii=False)[1:-1].replace("<", "\\u003c") in page
        for title in movies.to_pylist()
    )
    assert "data/report/index.html" in project.run("python", "-m", "tools.summary")
