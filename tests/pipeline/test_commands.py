"""Every command of README and docs is executed: here, or by the test that is named for it."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from itertools import pairwise

import pytest
from ruamel.yaml import YAML

from reelgraph.core.schemas.reports import read_table
from reelgraph.params.base import load
from reelgraph.params.data import IngestParams
from reelgraph.params.evaluation import BaselineParams, EvaluateParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from tests.helpers.project import ROOT, Project

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("unchanged")]

DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
HERE = (r"dvc (metrics|params) diff", "dvc plots show", "dvc exp show", "dvc exp run",
        "make (repro|setup|lint|test|test-fast)$", "dvc repro$", r"\. \.venv/bin/activate$")  # fmt: skip
ELSEWHERE = {
    r"reelgraph (predict|recommend|similar|match-ratings)": "tests/docs/test_demo_commands.py::test_command_works_on_the_demo",
    r"reelgraph doctor": "tests/app/test_cli.py::test_doctor_prints_states_and_remedies",
    r"reelgraph (export|add-movies)": "tests/pipeline/test_pipeline.py::test_export_load_recommend_and_similar",
    r"reelgraph serve": "tests/app/test_server.py::test_recommend_equals_the_bundles_recommend",
    r"TMDB_API_KEY=\.\.\. reelgraph serve": "tests/app/test_page.py::test_page_shows_details_the_watchlist_and_more",
    r"reelgraph download movielens": "tests/app/test_download_movielens.py::test_command_movielens_downloads_only_if_the_licence_is_accepted",
    r"reelgraph download tmdb": "tests/app/test_download_tmdb.py::test_command_tmdb_stops_at_a_rejected_key_and_does_not_show_it",
    r"dvc metrics show": "tests/pipeline/test_outputs.py::test_repro_writes_the_metrics_files",
    r"git diff": "tests/pipeline/test_pipeline.py::test_exp_run_reruns_the_stages_that_read_the_params",
    r"dvc queue start": "tests/pipeline/test_pipeline.py::test_queued_experiments_run_the_changed_code_in_parallel",
    r"dvc (remote|push|pull)|git commit": "tests/pipeline/test_sharing.py::test_pull_gets_what_a_remote_has",
    r"dvc exp (push|pull|apply|diff|branch)": "tests/pipeline/test_sharing.py::test_exp_pull_gets_an_experiment",
    r"dvc cache dir": "tests/pipeline/test_sharing.py::test_a_shared_cache_has_the_results_of_other_clones",
    r"git tag|dvc artifacts get": "tests/pipeline/test_sharing.py::test_artifacts_get_downloads_the_rater",
    r"\w+=1 torchrun": "tests/pipeline/test_commands.py::test_processes_that_torchrun_starts",
    r"python -m pytest": "tests/docs/test_extending.py::test_recipe",
    r"python -m bench.movie_vectors": "tests/bench/test_movie_vectors.py::test_squared_errors_depend_on_the_vectors_and_the_seed",
    r"python -m bench.ranker_terms": "tests/bench/test_ranker_terms.py::test_a_term_has_no_coefficient_and_its_absence_is_measured",
    r"make external-baselines": "tests/pipeline/test_commands.py::test_external_baselines_are_fitted_and_shown",
    r"python -m tools.export_split": "tests/tools/test_export_split.py::test_main_writes_each_part_of_the_split",
    r"make ranking-peers": "tests/pipeline/test_commands.py::test_ranking_peers_are_tuned_and_shown",
    r"make review": "tests/pipeline/test_pipeline.py::test_exp_run_reruns_the_stages_that_read_the_params",
    r"make rater-seeds": "tests/pipeline/test_pipeline.py::test_rater_seeds_prints_mean_and_standard_deviation",
    r"make experiments": "tests/tools/test_experiments.py::test_format_runs_ranks_equal_targets_only",
    r"make bench": "tests/bench/test_comparison.py::test_both_sides_are_equal",
    r"make reproduce-reference": "tests/tools/test_reproduce_reference.py::test_settings_are_valid_params",
}


def commands() -> list[tuple[str, str]]:
    """Return (file, command) of every shell block, without comments."""
    found = []
    for path in DOCS:
        for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M):
            lines = re.sub(r"\\\n\s*", " ", block).splitlines()
            found += [(path.name, re.sub(r"\s+#.*", "", line).strip()) for line in lines]
    return found


def matching(*patterns: str) -> list[str]:
    return list(dict.fromkeys(c for _, c in commands() if any(re.match(p, c) for p in patterns)))


def test_every_command_is_executed_by_a_test() -> None:
    assert len(commands()) > 30
    for file, command in commands():
        named = [test for pattern, test in ELSEWHERE.items() if re.match(pattern, command)]
        assert any(re.match(p, command) for p in HERE) or named, f"{file}: no test runs {command}"
    for test in ELSEWHERE.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_processes_that_torchrun_starts(project: Project) -> None:
    project.set_params(model__type="attention", train__epochs=1)
    variable, *words = shlex.split(matching(r"\w+=1 torchrun")[0])
    here = {"2": "1", "4": "2", "first-machine:29400": "localhost:0"}  # one machine with two processes
    project.run(*(here.get(word, word) for word in words), **dict([variable.split("=")]))
    states = [path.stem for path in (project.folder / ".checkpoints/train_rater").rglob("*.safetensors")]
    assert states == ["train"]
    project.run("dvc", "repro", "-s", "train_rater")
    config = json.loads((project.folder / "data/rater/config.json").read_text(encoding="utf-8"))
    assert config["model"]["type"] == "attention"
    assert not (project.folder / ".checkpoints/train_rater").exists()


def test_dvc_and_make(project: Project) -> None:
    for command in matching(*HERE[:3], "dvc repro"):
        project.run(*shlex.split(command))
    for command in matching("make (setup|repro)$"):
        project.run(*project.make_command(command.split()[1]))
    for command in matching("make (lint|test|test-fast)$"):  # what they run is what runs this
        assert re.search("pytest|ruff", project.run("make", "-n", command.split()[1]))
    assert project.run("dvc", "status", "dvc.yaml").strip().endswith("up to date.")
    assert "??" not in project.run("git", "status", "--short")


def test_external_baselines_are_fitted_and_shown(project: Project) -> None:
    for package in ("surprise", "cmfrec", "myfm"):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install -r requirements-external-baselines.lock")
    path = "studies/external_baselines/params.yaml"
    values = YAML(typ="safe").load(project.folder / path)["external_baselines"]
    few = {name: values[name] for name in ("svd", "bayesian_fm", "content_ridge")}
    few["bayesian_fm"] |= {"burn_in": 1, "samples": 2}
    project.update_params({"external_baselines": few}, path)
    output = project.run(*project.make_command("external-baselines"))
    results = read_table(project.folder / "studies/external_baselines/results.tsv", ["model"])
    assert set(results) == {*few, "fm_recent"}
    assert all(name in output for name in few)


def test_ranking_peers_are_tuned_and_shown(project: Project) -> None:
    path = "studies/ranking_peers/params.yaml"
    sasrec = {"dim": [8], "blocks": [1], "length": [10], "dropout": [0.0], "epochs": [1]}
    project.update_params(
        {"ranking_peers": {"ease": {"l2": [1.0, 300.0], "decay": [1.0]}, "sasrec": sasrec}}, path
    )
    project.run(*project.make_command("ranking-peers"))
    results = read_table(project.folder / "studies/ranking_peers/results.tsv", ["model", "params"])
    assert set(results) == {"ease", "sasrec"}
    ((setting, row),) = results["ease"].items()
    assert row["ndcg_10_diff_low"] <= row["ndcg_10_diff_high"]
    assert setting in (project.folder / "data/report/index.html").read_text(encoding="utf-8")


def settings(command: str) -> dict[str, str]:
    words = shlex.split(command)
    return dict(after.split("=", 1) for word, after in pairwise(words) if word == "-S")


def test_experiments_set_params_that_there_are(project: Project) -> None:
    run = [c for c in matching("dvc exp run") if "pooled" not in c and "ridge" not in c]
    assert len(run) >= 7
    before = YAML(typ="safe").load(project.folder / "params.yaml")
    for command in run:
        for choice in range(2):
            changed = json.loads(json.dumps(before))
            for key, value in settings(command).items():
                section, name = key.split(".")
                assert name in before[section], f"no {key} in params.yaml"
                changed[section][name] = YAML(typ="safe").load(
                    value.split(",")[min(choice, value.count(","))]
                )
            path = project.folder / "changed.yaml"
            YAML().dump(changed, path)
            for model in (
                IngestParams,
                MakeSequencesParams,
                TrainRaterParams,
                EvaluateParams,
                BaselineParams,
            ):
                load(model, path)
            path.unlink()


def test_a_grid_is_queued_as_the_docs_say(project: Project) -> None:
    (longest,) = [c for c in matching("dvc exp run --queue") if "gp.embedding_dim" in c]
    project.run(*shlex.split(longest))
    assert project.run("dvc", "queue", "status").count("Queued") == 6
    project.run("dvc", "queue", "remove", "--all")
