"""The command line ``reelgraph``: text, JSON, exit codes and help."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reelgraph.app.cli.main import app
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers import bundle_samples

COMMANDS = (
    "predict",
    "recommend",
    "similar",
    "compare",
    "backtest",
    "match-ratings",
    "doctor",
    "export",
    "add-movies",
    "serve",
    "download movielens",
    "download tmdb",
)
ROOT = Path(__file__).parents[2]
HEADER = "Date,Name,Year,Letterboxd URI,Rating\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle and rating exports."""
    folder = tmp_path_factory.mktemp("cli")
    bundle_samples.write_sample_bundle(folder)
    (folder / "ratings.csv").write_text(LETTERBOXD, encoding="utf-8")
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "surrogate.json").write_text('[{"title": "\\ud800", "rating": 4}]')
    (folder / "unknown.csv").write_text(f"{HEADER}2024-01-01,Nonesuch,1999,u,4\n")
    return folder


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a command in a folder; return its result, or its message."""
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result.stdout or result.stderr


def test_commands_say_how_many_rows_are_not_used(folder: Path) -> None:
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, ["predict", "-r", "ratings.csv", "Heat (1995)"])
    n_skipped = len(run_json(folder, "match-ratings", "ratings.csv")["skipped"])
    assert f"reelgraph: {n_skipped} of " in result.stderr
    assert "rows are not used. See the reasons: `reelgraph match-ratings ratings.csv`." in result.stderr


def run_json(folder: Path, *arguments: str, code: int = 0) -> dict:
    return json.loads(run(folder, *arguments, "--json", code=code))


def test_predict_prints_stars_likely_stars_and_reasons(folder: Path) -> None:
    arguments = ("predict", "--ratings", "ratings.csv", "Matrix, The", "Heat (1986)")
    text = run(folder, *arguments)
    matrix, heat = run_json(folder, *arguments)["predictions"]
    assert f"The Matrix (1999)  {matrix['stars']:.2f} stars, 80 % likely " in text
    assert f"Heat (1986)  {heat['stars']:.2f} stars" in text
    reasons = [*matrix["reasons"], *heat["reasons"]]
    assert text.count("you rated ") == len(reasons)
    assert all(f"you rated {reason['title']} {reason['stars']:g} (" in text for reason in reasons)
    assert "no training ratings" not in text


def test_predict_says_that_a_movie_without_ratings_rests_on_content(folder: Path) -> None:
    text = run(folder, "predict", "--ratings", "ratings.csv", "Spirited Away", "Heat (1986)")
    first, *others = text.splitlines()
    assert first.startswith("Spirited Away (2001)  ")
    assert ", 80 % likely " in first
    assert others[0] == "    no training ratings: this rests on its text and graph alone"
    assert text.count("no training ratings") == 1


def test_predict_says_that_it_leaves_out_your_rating_of_the_movie(folder: Path) -> None:
    arguments = ("predict", "-r", "ratings.csv", "Heat (1995)", "The Matrix")
    first, second, *others = run(folder, *arguments).splitlines()
    assert first.startswith("Heat (1995)  ")
    assert second == "    your own rating of it, 4.5, is left out"
    assert not any("your own rating" in line for line in others)
    assert run_json(folder, *arguments)["left_out_stars"] == [4.5, None]


def test_recommend_prints_movies_by_predicted_stars(folder: Path) -> None:
    filters = ("--genre", "drama", "--since", "1960", "--max-runtime", "115")
    result = run_json(folder, "recommend", "-r", "ratings.csv", "-n", "4", *filters)
    bounds = [movie["stars"] - 0.8 / (movie["ratings"] + 1) ** 0.5 for movie in result["recommendations"]]
    assert len(bounds) == 4
    assert bounds == sorted(bounds, reverse=True)
    assert all(movie["year"] >= 1960 for movie in result["recommendations"])
    text = run(folder, "recommend", "-r", "ratings.csv", "-n", "2", "--diverse", "--exclude-popular")
    level, first, *others = text.splitlines()
    assert re.match(r"You rate \d\.\d stars (higher|lower) than others", level)
    assert first.startswith("  1. ")
    assert any(line.startswith("  2. ") for line in others)


def test_similar_prints_the_nearest_movies(folder: Path) -> None:
    for by in ("audience", "text", "graph", "both"):
        result = run_json(folder, "similar", "Spirited Away", "--by", by, "-n", "3")
        assert result["movie"] == "Spirited Away (2001)"
        assert result["by"] == by
        assert len(result["similar"]) == 3
    assert "Spirited Away (2001), by both:" in run(folder, "similar", "spirited away")


def test_match_ratings_prints_matched_and_skipped_rows(folder: Path) -> None:
    text = run(folder, "match-ratings", "ratings.csv")
    assert text.startswith(
        "7 rows in the layout of Letterboxd. Ratings are on a scale to 5. 7 of 7 rows have "
    )
    assert "\n3 matched: title and year: 3.\n4 skipped: " in text
    assert "line 6: Chernobyl (2019): no such title" in text
    result = run_json(folder, "match-ratings", "ratings.csv")
    assert {match["movie_id"] for match in result["matched"]} == {100, 104, 109}
    assert len(result["skipped"]) == 4


def test_match_ratings_names_the_column_that_chooses_a_movie(folder: Path) -> None:
    (folder / "same.csv").write_text("title,year,rating\nSame Name,2010,4.5\n")
    text = run(folder, "match-ratings", "same.csv", code=3)
    assert "ambiguous: Same Name (2010) [movieId 113]; Same Name (2010) [movieId 114]" in text
    assert "add a column movieId" in text
    (folder / "same.csv").write_text("title,year,rating,movieId\nSame Name,2010,4.5,114\n")
    assert run_json(folder, "match-ratings", "same.csv")["matched"][0]["movie_id"] == 114


def test_scale_option_states_the_scale_of_an_ambiguous_file(folder: Path) -> None:
    (folder / "ten.csv").write_text("title,year,rating\nHeat,1995,4.5\nAmelie,2001,9\n")
    assert "State the scale: --scale 5, 10 or 100." in run(folder, "match-ratings", "ten.csv", code=1)
    result = run_json(folder, "match-ratings", "ten.csv", "--scale", "10")
    assert [match["stars"] for match in result["matched"]] == [2.5, 4.5]
    assert "Ratings are on a scale to 10, divided by 2." in result["notes"]
    assert (
        len(run_json(folder, "recommend", "-r", "ten.csv", "--scale", "10", "-n", "2")["recommendations"])
        == 2
    )
    run(folder, "match-ratings", "ten.csv", "--scale", "7", code=2)


def test_scale_option_leaves_a_scale_that_a_site_defines(folder: Path) -> None:
    command = ("recommend", "-n", "5", "-r", "ten.csv", "-r")
    rows = "".join(
        f"{title},{stars}\n" for title, stars in (("Heat (1995)", 8), ("Amelie", 9), ("Rocky II", 6))
    )
    (folder / "ten.csv").write_text("title,rating\n" + rows)
    with_scale = run(folder, *command, "ratings.csv", "--scale", "10")
    assert with_scale == run(folder, *command, "ratings.csv")
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, [*command, "ratings.csv", "--scale", "10"])
    warning = "The scale to 10 is not used for ratings.csv: ratings of Letterboxd are to 5."
    assert result.stderr.count("is not used") == result.stderr.count(warning) == 1


def test_open_histories_warns_of_lost_dates(folder: Path) -> None:
    (folder / "dates.csv").write_text(f"{HEADER}1/2/2024,Heat,1995,u,4\nsoon,Amelie,2001,u,5\n")
    warning = "1 dates may be day/month or month/day and 1 dates were not understood, such as '1/2/2024'"
    for command in (("match-ratings", "dates.csv"), ("recommend", "-r", "dates.csv")):
        with contextlib.chdir(folder):
            assert warning in CliRunner().invoke(app, list(command)).output


def test_version_option_prints_the_version(folder: Path) -> None:
    assert run(folder, "--version") == f"reelgraph {version('reelgraph')}\n"


def test_commands_name_a_file_that_can_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, ["match-ratings", "ratings.csv", "--json"])
    assert json.loads(result.stdout)["error"]["where"] == "ratings.csv"


def test_recommend_warns_of_a_list_without_movies_of_the_bundle(folder: Path) -> None:
    with contextlib.chdir(folder):
        result = CliRunner().invoke(app, ["recommend", "-r", "ratings.csv", "--without", "unknown.csv"])
    assert result.exit_code == 0
    assert "--without unknown.csv: none of its movies is in the bundle." in result.stderr


def test_exit_code_is_3_without_results(folder: Path) -> None:
    assert "no such title" in run(folder, "match-ratings", "unknown.csv", code=3)
    filters = ("--genre", "crime", "--since", "2200")
    result = run_json(folder, "recommend", "-r", "ratings.csv", *filters, code=3)
    reason = result["reason_for_none"]
    assert re.fullmatch(r"None of the \d+ movies before this filter is of 2200 or later\.", reason)
    assert result["recommendations"] == []
    assert run(folder, "recommend", "-r", "ratings.csv", *filters, code=3) == f"{reason}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("predict", "-r", "ratings.csv", "Nonesuch"), "no such title"),
        (("predict", "-r", "missing.csv", "Heat (1995)"), "no file"),
        (("predict", "-r", "bundle", "Heat (1995)"), "a folder"),
        (("predict", "-r", "/dev/null", "Heat (1995)"), "a device or a pipe"),
        (("predict", "-r", "ratings.csv", "Am\udce9lie"), "text in UTF-8"),
        (("recommend", "-r", "ratings.csv", "--genre", "\udce9"), "a valid string"),
        (("serve", "--host", "\udce9"), "an available address"),
        (("match-ratings", "deep.json"), "nested too deeply"),
        (("match-ratings", "surrogate.json"), "half of a surrogate pair"),
        (("export", "ratings.csv/bundle"), "data/model"),
        (("match-ratings", "x" * 300), "File name too long"),
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
        ("recommend", "-r", "ratings.csv", "-r", "ratings.csv", "--diverse"),
        ("recommend", "-r", "ratings.csv", "--group", "mean"),
        ("predict", "-r", "ratings.csv", "-r", "ratings.csv", "Heat (1995)"),
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
    outside = run(tmp_path, "doctor")
    assert "reelgraph export" not in outside
    assert "Next: Change to the project's folder, or give that of a bundle" in outside
    (tmp_path / "dvc.yaml").touch()
    assert "reelgraph export bundle" in run(tmp_path, "doctor")


@pytest.mark.parametrize("name", ["vectors.safetensors", "config.json", "test_results.json"])
def test_doctor_reports_a_corrupt_bundle(tmp_path: Path, name: str) -> None:
    (bundle_samples.write_sample_bundle(tmp_path) / name).write_bytes(b"no")
    text = run(tmp_path, "doctor", code=1)
    assert "broken  bundle" in text
    assert "reelgraph export" in text
    assert "dvc repro" not in text


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
@pytest.mark.parametrize("arguments", [("--help",), ("match-ratings", "deep.json", "--json")])
def test_command_line_reports_a_full_disk(folder: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as device:
        process = run_process(folder, *arguments, stdout=device)
    assert process.returncode == 1
    assert process.stderr.startswith("reelgraph: the output: expected free space on the disk")
    assert len(process.stderr.splitlines()) == 1


def test_command_line_ends_silently_if_the_reader_closes_the_pipe(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = run_process(folder, "--help", stdout=writer)
    os.close(writer)
    assert (process.returncode, process.stderr) == (1, "")


def test_command_line_writes_characters_that_the_terminal_lacks(folder: Path) -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    assert "reelgraph" in run_process(folder, "--help", stdout=subprocess.PIPE, **env).stdout
    process = run_process(folder, "match-ratings", "千.csv", "--json", stdout=subprocess.PIPE, **env)
    assert json.loads(process.stdout)["error"]["where"] == "千.csv"
    assert r"\u5343.csv" in process.stdout


def test_messages_shorten_a_title_of_any_length(folder: Path) -> None:
    title = "x" * 120_000
    (folder / "long.csv").write_text(f"{HEADER}2024-01-01,{title},1995,u,4\n")
    text = run(folder, "match-ratings", "long.csv", code=3)
    assert "xxx" in text
    assert len(text) < 1_000
    assert len(json.dumps(run_json(folder, "match-ratings", "long.csv", code=3))) < 2_000
    message = run(folder, "similar", title, code=1)
    assert message.startswith("reelgraph: 'xxx")
    assert len(message) < 1_000


def test_print_result_escapes_what_controls_a_terminal(folder: Path) -> None:
    (folder / "controls.csv").write_text(f"{HEADER}2024-01-01,A \x1b[2J \u202e,1995,u,4\n", encoding="utf-8")
    text = run(folder, "match-ratings", "controls.csv", code=3)
    assert r"A \u001b[2J \u202e (1995): no such title" in text
    result = run_json(folder, "match-ratings", "controls.csv", code=3)
    assert result["skipped"][0]["title"] == "A \x1b[2J \u202e (1995)"


def run_process(folder: Path, *arguments: str, stdout: Any, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reelgraph.app.cli.main", *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT)} | env
    return subprocess.run(
        command, cwd=folder, env=env, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
    )


def test_console_script_completes_commands() -> None:
    script = Path(sys.executable).parent / "reelgraph"
    env = os.environ | {
        "_REELGRAPH_COMPLETE": "complete_bash",
        "COMP_WORDS": "reelgraph rec",
        "COMP_CWORD": "1",
    }
    process = subprocess.run([script], env=env, capture_output=True, text=True, check=False)
    assert process.stdout.split() == ["recommend"]
