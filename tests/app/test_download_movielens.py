"""Downloading MovieLens: licence, checksum, unpacking; what is cut, other or hostile is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reelgraph.app.cli.main import app
from reelgraph.app.download.http import DownloadError, HttpClient
from reelgraph.app.download.movielens import download_edition, read_licence
from reelgraph.runtime.errors import InputError
from reelgraph.sources import movielens_files
from tests.helpers.download_server import Answer, RequestLog, serve_responses

NAME = "ml-latest-small"
README = b"""<html><h1>Summary</h1><p>This dataset</p>
<h1 id="usage-license">Usage License</h1>
<p>Neither the University of Minnesota nor any of the researchers involved can guarantee &amp; so on.</p>
<ul><li>The user may not use this information for any commercial purposes.</li></ul>

<h1>Citation</h1><p>F. M. Harper</p></html>"""


def zipped(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return out.getvalue()


EDITION = zipped(**{
    f"{NAME}/ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
    f"{NAME}/movies.csv": "movieId,title,genres\n1,Toy Story (1995),Comedy\n",
    f"{NAME}/../../evil.csv": "x", "/etc/evil": "x", "elsewhere/file.csv": "x",
})  # fmt: skip


@contextmanager
def grouplens(zip_bytes: bytes = EDITION, **other: Answer) -> Iterator[tuple[HttpClient, RequestLog]]:
    md5 = hashlib.md5(EDITION, usedforsecurity=False).hexdigest()
    answers: dict[str, Answer] = {
        "-README.html": (200, README, {}), ".zip.md5": (200, f"MD5 ({NAME}.zip) = {md5}\n".encode(), {}),
        ".zip": (200, zip_bytes, {}),
    } | other  # fmt: skip
    with serve_responses(lambda path, asked: answers.get(path.removeprefix(f"/{NAME}"), (404, b"", {}))) as (
        url,
        asked,
    ):
        yield HttpClient(url + "/", requests_per_second=1000.0, backoff_s=0.01), asked


def test_the_licence_is_the_readmes() -> None:
    with grouplens() as (client, _):
        said = read_licence(client, NAME)
    assert said.startswith("Neither the University of Minnesota")
    assert "guarantee & so on" in said
    assert "commercial purposes" in said
    assert "Harper" not in said


def test_an_edition_is_checked_and_unpacked_and_nothing_beside_it(tmp_path: Path) -> None:
    with grouplens() as (client, _):
        assert download_edition(client, NAME, tmp_path / "here") == len(EDITION)
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["movies.csv", "ratings.csv"]
    assert movielens_files.find_movielens_files(tmp_path / "here").read_movies()["title"].to_pylist() == [
        "Toy Story (1995)"
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({".zip": (200, EDITION[:-1] + b"x", {})}, "MD5"),
        ({".zip": (200, EDITION[:100], {"Content-Length": str(len(EDITION))})}, "6 times"),
        ({".zip": (404, b"", {})}, "nothing"), ({".zip.md5": (404, b"", {})}, "an MD5 sum"),
        ({".zip": (503, b"", {})}, "status 503, 6 times"), ({".zip": (0, b"", {})}, "6 times"),
    ],
)  # fmt: skip
def test_what_is_cut_or_other_leaves_nothing(tmp_path: Path, answers: dict[str, Answer], said: str) -> None:
    with grouplens(**answers) as (client, _), pytest.raises(DownloadError, match=said):
        download_edition(client, NAME, tmp_path / "here")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_there_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("x")
    with grouplens() as (client, asked), pytest.raises(InputError, match="new or empty folder"):
        download_edition(client, NAME, tmp_path)
    assert asked.paths == []


def test_the_command_asks_before_it_downloads(tmp_path: Path) -> None:
    with grouplens() as (client, asked):
        words = ["movielens", NAME, "--to", str(tmp_path / "here"), "--server", client.base_url]
        no = CliRunner().invoke(app, words, input="n\n")
        assert (no.exit_code, asked.count(f"/{NAME}.zip")) == (1, 0)
        assert "commercial purposes" in no.output
        yes = CliRunner().invoke(app, words, input="y\n")
        assert yes.exit_code == 0, yes.output
        assert f"-S data.movielens={tmp_path / 'here'}" in yes.output
        again = CliRunner().invoke(
            app, [*words[:3], str(tmp_path / "other"), *words[4:], "--accept", "--json"]
        )
    assert json.loads(again.stdout)["bytes"] == len(EDITION)
    assert "commercial purposes" in again.stderr
