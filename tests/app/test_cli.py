"""The command line as a person runs it: text, JSON, exit codes, help."""

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

COMMANDS = ("predict", "recommend", "similar", "ratings", "doctor", "export")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle and a file of ratings."""
    place = tmp_path_factory.mktemp("somebody")
    bundle_samples.write_sample_bundle(place)
    (place / "mine.csv").write_text(LETTERBOXD, encoding="utf-8")
    (place / "none.csv").write_text("Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Nonesuch,1999,u,4\n")
    return place


def run(folder: Path, *words: str, code: int = 0) -> str:
    before = Path.cwd()
    os.chdir(folder)
    try:
        done = CliRunner().invoke(app, list(words))
    finally:
        os.chdir(before)
    assert done.exit_code == code, done.output
    return done.output


def said(folder: Path, *words: str, code: int = 0) -> dict:
    return json.loads(run(folder, *words, "--json", code=code))


def test_predict_says_stars_interval_and_reasons(folder: Path) -> None:
    text = run(folder, "predict", "--ratings", "mine.csv", "Matrix, The", "Heat (1986)")
    first, second = (
        each["stars"]
        for each in said(folder, "predict", "-r", "mine.csv", "Matrix, The", "Heat (1986)")["predictions"]
    )
    assert f"The Matrix (1999)  {first:.2f} stars, with 80 % from " in text
    assert f"Heat (1986)  {second:.2f} stars" in text
    assert "you gave Spirited Away (2001) 5" in text


def test_recommend_ranks_what_was_not_rated(folder: Path) -> None:
    found = said(folder, "recommend", "-r", "mine.csv", "-n", "4", "--genre", "drama", "--since", "1960")[
        "recommendations"
    ]
    assert [each["stars"] for each in found] == sorted((each["stars"] for each in found), reverse=True)
    assert len(found) == 4
    assert all(each["year"] >= 1960 for each in found)
    text = run(folder, "recommend", "-r", "mine.csv", "-n", "2", "--diverse", "--exclude-popular")
    assert text.startswith("  1. ")
    assert "\n  2. " in text


def test_similar_names_what_is_shared(folder: Path) -> None:
    for by in ("text", "graph", "both"):
        found = said(folder, "similar", "Spirited Away", "--by", by, "-n", "3")
        assert (found["movie"], found["by"], len(found["similar"])) == ("Spirited Away (2001)", by, 3)
    assert "Spirited Away (2001), by both:" in run(folder, "similar", "spirited away")


def test_ratings_says_what_matched_and_what_did_not(folder: Path) -> None:
    text = run(folder, "ratings", "mine.csv")
    assert text.startswith("7 rows as Letterboxd writes them.\n3 matched: title and year: 3.\n4 not: ")
    assert "line 6: Chernobyl (2019): no such title" in text
    found = said(folder, "ratings", "mine.csv")
    assert {each["movie_id"] for each in found["matched"]} == {100, 104, 109}
    assert len(found["not_matched"]) == 4


def test_a_scale_that_is_halved_is_said(folder: Path) -> None:
    (folder / "ten.csv").write_text("Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Heat,1995,u,9\n")
    assert "a scale of 1 to 10, which is halved" in run(folder, "ratings", "ten.csv")


def test_nothing_found_is_exit_code_3(folder: Path) -> None:
    assert "no such title" in run(folder, "ratings", "none.csv", code=3)
    assert said(folder, "recommend", "-r", "mine.csv", "--since", "2300", code=3) == {"recommendations": []}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("predict", "-r", "mine.csv", "Nonesuch"), "no such title"),
        (("predict", "-r", "missing.csv", "Heat (1995)"), "no file"),
        (("predict", "-r", "none.csv", "Heat (1995)"), "a rating of a movie of the bundle"),
        (("similar", "Heat"), "ambiguous"),
        (("recommend", "-r", "mine.csv", "--genre", "Opera"), "one of Crime, Drama"),
        (("similar", "Heat", "--bundle", "nowhere"), "no folder nowhere"),
        (("export", "out"), "data/model"),
    ],
)
def test_a_refusal_is_exit_code_1_with_one_message(folder: Path, words: tuple[str, ...], part: str) -> None:
    text = run(folder, *words, code=1)
    assert text.startswith("reelgraph: ")
    assert part in text
    assert part in json.dumps(said(folder, *words, code=1)["error"])
    assert not (folder / "out").exists()


def test_export_replaces_nothing_but_a_bundle(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert "a new or empty folder" in run(folder, "export", str(tmp_path), code=1)
    assert "a new or empty folder" in run(folder, "export", str(tmp_path / "thesis.txt"), code=1)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    # A bundle is replaced, an empty folder taken: here only the pipeline's model is missing.
    assert "data/model" in run(folder, "export", "bundle", code=1)
    assert "data/model" in run(folder, "export", str(tmp_path / "new"), code=1)
    assert (folder / "bundle/config.json").exists()


def test_a_wrong_command_line_is_exit_code_2(folder: Path) -> None:
    for words in (
        ("predict",),
        ("nonsense",),
        ("similar", "Heat", "--by", "colour"),
        ("recommend", "-r", "x", "-n", "0"),
    ):
        run(folder, *words, code=2)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(folder: Path, command: str) -> None:
    assert f"reelgraph {command}" in " ".join(run(folder, command, "--help").split())
    assert command in run(folder, "--help")


def test_doctor_says_what_is_there_and_what_to_do(folder: Path, tmp_path: Path) -> None:
    found = {each["name"]: each for each in said(folder, "doctor")["checks"]}
    assert found["bundle"]["state"] == "good"
    assert "40 movies, rater gp" in found["bundle"]["found"]
    assert found["project"]["state"] == "missing"
    assert "reelgraph export bundle" in run(tmp_path, "doctor")


def test_doctor_names_a_broken_bundle(tmp_path: Path) -> None:
    (bundle_samples.write_sample_bundle(tmp_path) / "vectors.safetensors").write_bytes(b"no")
    assert "broken  bundle" in run(tmp_path, "doctor", code=1)


def test_the_console_script_answers_and_completes() -> None:
    script = Path(sys.executable).parent / "reelgraph"
    env = os.environ | {
        "_REELGRAPH_COMPLETE": "complete_bash",
        "COMP_WORDS": "reelgraph rec",
        "COMP_CWORD": "1",
    }
    done = subprocess.run([script], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["recommend"]
