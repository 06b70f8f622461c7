"""The command line ``reelgraph``: text, JSON, exit codes and help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reelgraph.app.cli.main import app
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers import bundle_samples

COMMANDS = (
    "predict",
    "recommend",
    "similar",
    "match-ratings",
    "doctor",
    "export",
    "serve",
    "download movielens",
    "download tmdb",
)
HEADER = "Date,Name,Year,Letterboxd URI,Rating\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle and rating exports."""
    folder = tmp_path_factory.mktemp("cli")
    bundle_samples.write_sample_bundle(folder)
    (folder / "ratings.csv").write_text(LETTERBOXD, encoding="utf-8")
    (folder / "unknown.csv").write_text(f"{HEADER}2024-01-01,Nonesuch,1999,u,4\n")
    return folder


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a command in a folder; return its output."""
    working_dir = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(app, list(arguments))
    finally:
        os.chdir(working_dir)
    assert result.exit_code == code, result.output
    return result.output


def run_json(folder: Path, *arguments: str, code: int = 0) -> dict:
    return json.loads(run(folder, *arguments, "--json", code=code))


def test_predict_prints_stars_intervals_and_reasons(folder: Path) -> None:
    arguments = ("predict", "--ratings", "ratings.csv", "Matrix, The", "Heat (1986)")
    text = run(folder, *arguments)
    matrix, heat = run_json(folder, *arguments)["predictions"]
    assert f"The Matrix (1999)  {matrix['stars']:.2f} stars, 80 % interval " in text
    assert f"Heat (1986)  {heat['stars']:.2f} stars" in text
    assert "you rated Spirited Away (2001) 5" in text


def test_recommend_prints_movies_by_predicted_stars(folder: Path) -> None:
    filters = ("--genre", "drama", "--since", "1960")
    result = run_json(folder, "recommend", "-r", "ratings.csv", "-n", "4", *filters)
    stars = [movie["stars"] for movie in result["recommendations"]]
    assert len(stars) == 4
    assert stars == sorted(stars, reverse=True)
    assert all(movie["year"] >= 1960 for movie in result["recommendations"])
    text = run(folder, "recommend", "-r", "ratings.csv", "-n", "2", "--diverse", "--exclude-popular")
    assert text.startswith("  1. ")
    assert "\n  2. " in text


def test_similar_prints_the_nearest_movies(folder: Path) -> None:
    for by in ("text", "graph", "both"):
        result = run_json(folder, "similar", "Spirited Away", "--by", by, "-n", "3")
        assert result["movie"] == "Spirited Away (2001)"
        assert result["by"] == by
        assert len(result["similar"]) == 3
    assert "Spirited Away (2001), by both:" in run(folder, "similar", "spirited away")


def test_match_ratings_prints_matched_and_skipped_rows(folder: Path) -> None:
    text = run(folder, "match-ratings", "ratings.csv")
    assert text.startswith("7 rows in the layout of Letterboxd.\n3 matched: title and year: 3.\n4 skipped: ")
    assert "line 6: Chernobyl (2019): no such title" in text
    result = run_json(folder, "match-ratings", "ratings.csv")
    assert {match["movie_id"] for match in result["matched"]} == {100, 104, 109}
    assert len(result["skipped"]) == 4


def test_match_ratings_says_that_ratings_to_10_are_divided(folder: Path) -> None:
    (folder / "ten.csv").write_text(f"{HEADER}2024-01-01,Heat,1995,u,9\n")
    assert "ratings from 1 to 10 are divided by 2" in run(folder, "match-ratings", "ten.csv")


def test_exit_code_is_3_without_results(folder: Path) -> None:
    assert "no such title" in run(folder, "match-ratings", "unknown.csv", code=3)
    result = run_json(folder, "recommend", "-r", "ratings.csv", "--since", "2300", code=3)
    assert result == {"recommendations": []}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "-r", "ratings.csv", "Nonesuch"), "no such title"),
        (("predict", "-r", "missing.csv", "Heat (1995)"), "no file"),
        (("predict", "-r", "unknown.csv", "Heat (1995)"), "a rating of a movie of the bundle"),
        (("similar", "Heat"), "ambiguous"),
        (("recommend", "-r", "ratings.csv", "--genre", "Opera"), "one of Crime, Drama"),
        (("similar", "Heat", "--bundle", "nowhere"), "no folder nowhere"),
        (("export", "out"), "data/model"),
    ],
)
def test_exit_on_error_prints_one_message_and_exits_with_1(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    text = run(folder, *arguments, code=1)
    assert text.startswith("reelgraph: ")
    assert message in text
    assert message in json.dumps(run_json(folder, *arguments, code=1)["error"])
    assert not (folder / "out").exists()


def test_export_replaces_only_bundles(folder: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    assert "a new or empty folder" in run(folder, "export", str(tmp_path), code=1)
    assert "a new or empty folder" in run(folder, "export", str(thesis), code=1)
    assert thesis.read_text() == "years of work"
    # A bundle and a new folder are accepted; the error is that there is no model to export.
    assert "data/model" in run(folder, "export", "bundle", code=1)
    assert "data/model" in run(folder, "export", str(tmp_path / "new"), code=1)
    assert (folder / "bundle/config.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict",),
        ("nonsense",),
        ("similar", "Heat", "--by", "colour"),
        ("recommend", "-r", "x", "-n", "0"),
        ("download", "netflix"),
    ],
)
def test_exit_code_is_2_for_a_wrong_command_line(folder: Path, arguments: tuple[str, ...]) -> None:
    run(folder, *arguments, code=2)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(folder: Path, command: str) -> None:
    words = command.split()
    text = " ".join(run(folder, *words, "--help").replace("│", " ").split())
    assert f"reelgraph {command}" in text.partition("Example:")[2]
    assert words[-1] in run(folder, *words[:-1], "--help")


def test_doctor_prints_states_and_remedies(folder: Path, tmp_path: Path) -> None:
    checks = {check["name"]: check for check in run_json(folder, "doctor")["checks"]}
    assert checks["bundle"]["state"] == "ok"
    assert "40 movies, rater gp" in checks["bundle"]["detail"]
    assert checks["project"]["state"] == "missing"
    assert "reelgraph export bundle" in run(tmp_path, "doctor")


def test_doctor_reports_a_corrupt_bundle(tmp_path: Path) -> None:
    (bundle_samples.write_sample_bundle(tmp_path) / "vectors.safetensors").write_bytes(b"no")
    assert "broken  bundle" in run(tmp_path, "doctor", code=1)


def test_console_script_completes_commands() -> None:
    script = Path(sys.executable).parent / "reelgraph"
    env = os.environ | {
        "_REELGRAPH_COMPLETE": "complete_bash",
        "COMP_WORDS": "reelgraph rec",
        "COMP_CWORD": "1",
    }
    process = subprocess.run([script], env=env, capture_output=True, text=True, check=False)
    assert process.stdout.split() == ["recommend"]
