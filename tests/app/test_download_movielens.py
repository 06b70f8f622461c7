"""Download of MovieLens from a local server: licence, checksum, extraction, errors."""

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
from tests.helpers.download_server import RequestLog, Response, serve_responses

NAME = "ml-latest-small"
README = b"""<html><h1>Summary</h1><p>This dataset</p>
<h1 id="usage-license">Usage License</h1>
<p>Neither the University of Minnesota nor any of the researchers involved can guarantee &amp; so on.</p>
<ul><li>The user may not use this information for any commercial purposes.</li></ul>

<h1>Citation</h1><p>F. M. Harper</p></html>"""


def zip_archive(files: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


EDITION = zip_archive(
    {
        f"{NAME}/ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
        f"{NAME}/movies.csv": "movieId,title,genres\n1,Toy Story (1995),Comedy\n",
        f"{NAME}/../../evil.csv": "x",
        f"{NAME}/..": "x",
        "/etc/evil": "x",
        "elsewhere/file.csv": "x",
    }
)


@contextmanager
def serve_grouplens(**responses: Response) -> Iterator[tuple[HttpClient, RequestLog]]:
    """Serve a data set; ``responses`` replaces responses by the suffix of their path."""
    checksum = hashlib.md5(EDITION, usedforsecurity=False).hexdigest()
    by_suffix: dict[str, Response] = {
        "-README.html": (200, README, {}),
        ".zip.md5": (200, f"MD5 ({NAME}.zip) = {checksum}\n".encode(), {}),
        ".zip": (200, EDITION, {}),
    } | responses

    def respond(path: str, log: RequestLog) -> Response:
        return by_suffix.get(path.removeprefix(f"/{NAME}"), (404, b"", {}))

    with serve_responses(respond) as (url, log):
        yield HttpClient(url + "/", requests_per_second=1000.0, backoff_s=0.01), log


def test_read_licence_returns_the_section_of_the_readme() -> None:
    with serve_grouplens() as (client, _):
        licence = read_licence(client, NAME)
    assert licence.startswith("Neither the University of Minnesota")
    assert "guarantee & so on" in licence
    assert "commercial purposes" in licence
    assert "Harper" not in licence


def test_download_edition_extracts_the_files_of_the_data_set_only(tmp_path: Path) -> None:
    folder = tmp_path / "edition"
    with serve_grouplens() as (client, _):
        assert download_edition(client, NAME, folder) == len(EDITION)
    assert sorted(path.name for path in folder.iterdir()) == ["movies.csv", "ratings.csv"]
    movies = movielens_files.find_movielens_files(folder).read_movies()
    assert movies["title"].to_pylist() == ["Toy Story (1995)"]
    assert [path.name for path in tmp_path.iterdir()] == ["edition"]


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        ({".zip": (200, EDITION[:-1] + b"x", {})}, "MD5"),
        (
            {".zip": (200, EDITION[:100], {"Content-Length": str(len(EDITION))})},
            r"IncompleteRead.*6 attempts",
        ),
        ({".zip": (404, b"", {})}, "got no file"),
        ({".zip.md5": (404, b"", {})}, "an MD5 checksum"),
        ({".zip": (503, b"", {})}, r"too many 503 error responses \(6 attempts\)"),
        ({".zip": (0, b"", {})}, r"Connection aborted.*6 attempts"),
    ],
)
def test_download_edition_writes_nothing_if_the_archive_is_incomplete_or_changed(
    tmp_path: Path, responses: dict[str, Response], message: str
) -> None:
    with serve_grouplens(**responses) as (client, _), pytest.raises(DownloadError, match=message):
        download_edition(client, NAME, tmp_path / "edition")
    assert list(tmp_path.iterdir()) == []


def test_download_edition_repeats_an_interrupted_download(tmp_path: Path) -> None:
    checksum = hashlib.md5(EDITION, usedforsecurity=False).hexdigest()

    def respond(path: str, log: RequestLog) -> Response:
        if path.endswith(".md5"):
            return 200, checksum.encode(), {}
        is_complete = log.count(path) == 3
        return 200, EDITION if is_complete else EDITION[:100], {"Content-Length": str(len(EDITION))}

    with serve_responses(respond) as (url, log):
        client = HttpClient(url + "/", requests_per_second=1000.0, backoff_s=0.01)
        assert download_edition(client, NAME, tmp_path / "edition") == len(EDITION)
    assert log.count(f"/{NAME}.zip") == 3


def test_download_edition_raises_if_the_folder_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("x")
    with serve_grouplens() as (client, log), pytest.raises(InputError, match="new or empty folder"):
        download_edition(client, NAME, tmp_path)
    assert log.paths == []


def test_command_movielens_downloads_only_if_the_licence_is_accepted(tmp_path: Path) -> None:
    with serve_grouplens() as (client, log):
        arguments = ["download", "movielens", NAME, "--server", client.base_url, "--to"]
        declined = CliRunner().invoke(app, [*arguments, str(tmp_path / "first")], input="n\n")
        assert declined.exit_code == 1
        assert log.count(f"/{NAME}.zip") == 0
        assert "commercial purposes" in declined.output
        accepted = CliRunner().invoke(app, [*arguments, str(tmp_path / "first")], input="y\n")
        assert accepted.exit_code == 0, accepted.output
        assert f"-S data.movielens={tmp_path / 'first'}" in accepted.output
        options = ["--accept", "--json"]
        without_prompt = CliRunner().invoke(app, [*arguments, str(tmp_path / "second"), *options])
    assert json.loads(without_prompt.stdout)["bytes"] == len(EDITION)
    assert "commercial purposes" in without_prompt.stderr
