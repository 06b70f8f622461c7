"""What a user changes in the pipeline of a tiny demo: params, code, data; experiments and studies."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

import reelgraph
from reelgraph.core.schemas.reports import read_reports, read_table
from tests.app import test_cli
from tests.helpers.project import ROOT, Project
from tests.pipeline.crashes import output_digests

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("unchanged")]


def test_a_deleted_table_comes_back_from_the_run_cache(project: Project) -> None:
    table = project.folder / "reports/links.tsv"
    before = table.read_bytes()
    table.unlink()
    assert "evaluate_links" not in project.executed_stages("dvc", "repro", "evaluate_links")
    assert table.read_bytes() == before


def test_export_load_recommend_and_similar(project: Project) -> None:
    output = json.loads(project.run("reelgraph", "export", "bundle", "--embeddings", "--json"))
    assert {"model.safetensors", "movies.parquet", "embeddings/text.txt"} <= set(output["bytes"])
    bundle = reelgraph.load(project.folder / "bundle")
    table = pq.read_table(project.folder / "data/movies.parquet")
    assert bundle.catalog.movie_ids.tolist() == table["movieId"].to_pylist()
    some = [(movie, 4.0) for movie in bundle.catalog.movie_ids[:5].tolist()]
    assert len(bundle.recommend(some, top=7)) == 7
    checks = {
        each["name"]: each for each in json.loads(project.run("reelgraph", "doctor", "--json"))["checks"]
    }
    assert checks["stages"]["state"] == checks["bundle"]["state"] == "ok"
    _check_added_movies(project, some)
    # Without a bundle the commands read what the pipeline left.
    shutil.rmtree(project.folder / "bundle")
    title = bundle.catalog.label(3)
    found = test_cli.run_json(project.folder, "similar", title)
    assert [each["movie_id"] for each in found["similar"]] == [
        each.movie_id for each in bundle.similar(title)
    ]


def _check_added_movies(project: Project, history: list[tuple[int, float]]) -> None:
    known = project.folder / "known.csv"
    known.write_text(f"movieId\n{history[0][0]}\n")
    before = {path.name: path.read_bytes() for path in (project.folder / "bundle").glob("*.*")}
    message = test_cli.run(project.folder, "add-movies", "known.csv", code=1)
    assert "expected movies that the model does not have" in message
    after = {path.name: path.read_bytes() for path in (project.folder / "bundle").glob("*.*")}
    assert before == after  # a refused file leaves the bundle as it was
    expected = reelgraph.load(project.folder / "bundle").predict(history, [history[0][0]])[0]
    project.run("reelgraph", "add-movies", "docs/new-movies.csv", "--to", "bundle")
    bundle = reelgraph.load(project.folder / "bundle")
    old, new = bundle.predict(history, [history[0][0], "The Harbour of Glass (2026)"])
    assert old.stars == pytest.approx(expected.stars, abs=2e-3)
    assert new.ratings == 0
    assert new.prediction_set
    assert bundle.similar("The Harbour of Glass", top=3)
    everything = bundle.recommend(history, top=len(bundle.catalog))
    assert 0 in [movie.ratings for movie in everything]
    known.unlink()


def test_a_comment_in_runtime_makes_no_stage_stale(project: Project) -> None:
    module = project.folder / "reelgraph/runtime/errors.py"
    module.write_text(module.read_text(encoding="utf-8") + "# A comment.\n", encoding="utf-8")
    assert project.run("dvc", "status", "dvc.yaml").strip() == "Data and pipelines are up to date."


def test_exp_run_reruns_the_stages_that_read_the_params(project: Project) -> None:
    same = project.run("python", "-m", "tools.pr_report", "HEAD").splitlines()
    up_to_date = "Lock: `dvc.yaml` is up to date."
    assert same == ["No param, stage, metric or plot differs from HEAD.", "", up_to_date]
    settings = {"model.type": "transformer", "model.embedding": "kg_gnn", "model.hidden_dim": "24",
                "evaluate.fit": "train_val"}  # fmt: skip
    options = [word for key, value in settings.items() for word in ("-S", f"{key}={value}")]
    expected = {"check_params", "train_rater", "train_ranker", "evaluate", "layout_map", "report"}
    assert project.executed_stages("dvc", "exp", "run", *options) == expected
    # DVC writes the file again, in the form that it has: only the values differ.
    assert project.run("git", "diff", "--numstat", "params.yaml").split()[:2] == ["4", "4"]
    differ = project.run("dvc", "params", "diff")
    assert all(key in differ for key in settings)
    # Metrics of few targets have few decimals, and may stay the same.
    assert "plots/predictions.tsv" in project.run("git", "diff", "--name-only")
    _check_pr_report(project, up_to_date)


def _check_pr_report(project: Project, up_to_date: str) -> None:
    lines = project.run("python", "-m", "tools.pr_report", "HEAD").splitlines()
    folded = next(number for number, line in enumerate(lines) if line.startswith("<details>"))
    assert folded <= 40
    assert re.match(
        r"\*\*test RMSE \d\.\d{4} → \d\.\d{4}, .*: (better|worse|within chance) \(\d+ test targets\)",
        lines[0],
    )
    assert "| `model.hidden_dim` | 16 | 24 |" in lines
    reasons = "`param evaluate.fit`, `param model.embedding`, `param model.type`"
    assert any(line.startswith(f"- `train_rater`: {reasons}") for line in lines)
    assert any(line.startswith("- `evaluate`: `param evaluate.fit`, `data/emb_kg_gnn") for line in lines)
    assert not any("`ingest`" in line for line in lines)
    assert up_to_date in lines
    project.set_params(gp__epochs=3)
    lines = project.run("python", "-m", "tools.pr_report", "HEAD").splitlines()
    assert "Lock: `dvc.yaml` is stale: `check_params`, `report`, `train_rater`." in lines


def test_a_project_in_a_subfolder_of_a_git_repository(project: Project, tmp_path: Path) -> None:
    top = tmp_path / "mono"
    shutil.copytree(project.folder, top / "sub", symlinks=True, ignore=shutil.ignore_patterns(".git"))
    sub = Project.open(top / "sub")
    sub.run("git", "init", "-q", str(top))
    sub.commit("the project in a subfolder")
    sub.run("python", "-m", "tools.prepare_repro")
    assert sub.executed_stages("dvc", "repro") == set()
    assert sub.run("git", "status", "--short") == ""
    assert "No param, stage, metric or plot differs" in sub.run("python", "-m", "tools.pr_report", "HEAD")
    ran = sub.executed_stages("dvc", "exp", "run", "-S", "evaluate.examples=3")
    assert ran == {"check_params", "evaluate", "report"}
    lines = sub.run("python", "-m", "tools.pr_report", "HEAD").splitlines()
    assert "| `evaluate.examples` | 10 | 3 |" in lines
    assert not [line for line in lines if line.endswith(": `new`")]
    assert sorted(path.name for path in top.iterdir()) == [".git", "sub"]


def stop_workers(project: Project) -> None:
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if "queue-worker" in (process.info["cmdline"] or []) and process.info["cwd"] == str(project.folder):
            process.kill()


def _wait_for_experiments(project: Project, count: int) -> None:
    """Wait at most five minutes for results in git; DVC's own status takes two seconds each time."""
    for _ in range(300):
        names = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
        if sum(name.startswith("refs/exps/") and "/pairs-" in name for name in names) == count:
            return
        time.sleep(1)


def test_queued_experiments_run_the_changed_code_in_parallel(project: Project) -> None:
    script = project.folder / "stages/evaluate_embeddings.py"
    before, after = '{"isoscore": metrics["kg_gnn_bert"]["raw"]["isoscore"]}', '{"isoscore": VALUE}'
    text = script.read_text(encoding="utf-8")
    assert before in text
    imported = "\nfrom stages.new_module import VALUE\n\n\ndef main("
    script.write_text(text.replace("\n\ndef main(", imported).replace(before, after), encoding="utf-8")
    new_module = project.folder / "stages/new_module.py"
    new_module.write_text("VALUE = 0.625\n")
    project.run("git", "add", str(new_module))  # else it is not in the copy that the queue runs
    project.run("dvc", "exp", "remove", "--all-commits")  # those of other tests
    project.run("dvc", "exp", "run", "--queue", "--name", "pairs", "-S", "embeddings.pairs=101,102")
    project.run("git", "rm", "-qf", str(new_module))
    project.run("git", "checkout", "-q", "--", "stages")
    # Workers keep the pipe of whoever starts them, and now and then one never hears that the queue is empty.
    project.run("sh", "-c", "dvc queue start -j 2 > /dev/null 2>&1")
    _wait_for_experiments(project, 2)
    status = project.run("dvc", "queue", "status")
    for _ in range(240):
        if "Running" not in status and "Queued" not in status.split("Worker")[0]:
            break
        time.sleep(5)
        status = project.run("dvc", "queue", "status")
    stop_workers(project)
    assert status.count("Success") == 2, status
    shown = project.run("dvc", "exp", "show", "--json")
    assert shown.count('"isoscore": 0.625') == 2
    documented = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^dvc exp show --only-changed .*$", documented, re.M)
    table = project.run(*shlex.split(command))
    assert "pairs-1" in table
    assert max(map(len, table.splitlines())) <= 200, table


def test_rater_seeds_prints_mean_and_standard_deviation(project: Project) -> None:
    before = project.run("git", "status", "--short")
    header, *lines = project.run("python", "-m", "tools.rater_seeds", "3").splitlines()
    assert header.split()[:4] == ["model.seed", "validation", "RMSE", "test"]
    rows = {line.split()[0]: [float(value) for value in line.split()[1:]] for line in lines}
    seeds = np.array([rows[str(seed)] for seed in range(3)])
    assert len({tuple(row) for row in seeds}) == 3
    assert rows["mean"] == pytest.approx(seeds.mean(axis=0), abs=1e-4)
    assert rows["std"] == pytest.approx(seeds.std(axis=0, ddof=1), abs=2e-4)
    assert project.run("git", "status", "--short") == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["+model.hiden_dim=3"], "params.yaml: model.hiden_dim: expected only keys that the section has"),
        (
            ["data.source=movielens", "data.movielens=/no/such/folder"],
            "data.movielens: expected an existing file",
        ),
    ],
)
def test_exp_run_refuses_params_before_it_removes_an_output(
    project: Project, settings: list[str], message: str
) -> None:
    expected = output_digests(project)
    options = [word for setting in settings for word in ("-S", setting)]
    output = project.run("dvc", "exp", "run", *options, fails=True)
    assert message in output
    assert "Running stage 'check_params'" in output
    assert output.count("Running stage") == 1
    assert output_digests(project) == expected
    # The hint says to undo the change.
    assert "params.yaml" in project.run("git", "status", "--short")
    project.run("git", "checkout", "--", "params.yaml")
    assert "params.yaml" not in project.run("git", "status", "--short")


def test_a_failed_stage_keeps_its_old_output(project: Project) -> None:
    before = (project.folder / "data/rater/train.safetensors").read_bytes()
    project.set_params(train__learning_rate=-1.0)
    output = project.run("python", "-m", "stages.train_rater", fails=True)
    assert "train.learning_rate: expected greater than 0, got -1.0" in output
    assert "Traceback" not in output
    assert (project.folder / "data/rater/train.safetensors").read_bytes() == before


def test_changed_input_makes_ingest_stale(project: Project, tmp_path: Path) -> None:
    catalog, ratings = tmp_path / "catalog.parquet", tmp_path / "ratings.parquet"
    for made in (catalog, ratings):
        made.write_bytes((project.folder / "data" / made.name).read_bytes())
    project.set_params(data__source="tables", data__catalog=str(catalog), data__ratings=str(ratings))
    project.run("dvc", "repro", "ingest")
    assert "up to date" in project.run("dvc", "status", "ingest")
    ratings.write_bytes(ratings.read_bytes() + b"x")
    output = project.run("dvc", "status", "ingest")
    assert re.search(r"ingest:\s+changed deps:\s+modified:\s+\S*ratings.parquet", output)


def fitted_runs(project: Project) -> set[str]:
    """Run the ablation study; return the runs whose rater was fitted."""
    project.executed_stages("python", "-m", "studies.ablation.run")
    return {path.stem for path in (project.folder / ".timings/ablation").glob("*.json")}


def test_ablation_study_resumes_and_collects(project: Project) -> None:
    tiny = {"ablation.seeds": [1], "ablation.raters": ["attention"], "ablation.network_controls": [],
            "ablation.gp_controls": [], "ablation.embeddings": {"random": "data/emb_kg_gnn.parquet"},
            "ablation.epochs": 1}  # fmt: skip
    project.update_params(tiny, "studies/ablation/params.yaml")
    assert fitted_runs(project) == {"attention-random-none@1"}
    project.update_params({"ablation.seeds": [1, 2]}, "studies/ablation/params.yaml")
    project.update_params({"train.epochs": 99})  # the study has its own
    assert fitted_runs(project) == {"attention-random-none@2"}
    table = read_table(project.folder / "studies/ablation/results.tsv", ["experiment"])
    row = table["attention-random-none"]
    assert row["seeds"] == 2
    assert row["val_rmse_std"] > 0
    assert (project.folder / "plots/ablation.png").is_file()
    project.update_params({"train.weight_decay": 0.5})
    assert fitted_runs(project) == {"attention-random-none@1", "attention-random-none@2"}


def test_probe_study_measures_every_embedding_set(project: Project) -> None:
    page = project.folder / "data/report/index.html"
    assert "make study-probe" in page.read_text(encoding="utf-8")  # measured on other test targets
    project.run(*project.make_command("study-probe"))
    found = read_table(project.folder / "studies/probe/results.tsv", ["vectors", "processing"])
    assert set(found) > {"none", "pca_32", *read_reports(project.folder / "reports")["embeddings"]}
    assert all(row["val_rmse"] > 0 for treatments in found.values() for row in treatments.values())
    assert "make study-probe" not in page.read_text(encoding="utf-8")
    results = json.loads((project.folder / "studies/results.json").read_text(encoding="utf-8"))
    assert results["probe"]["stale"] is False
