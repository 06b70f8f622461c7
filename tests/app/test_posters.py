"""Posters from a local server that responds as TMDB does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reelgraph
from reelgraph.app.cli.main import app
from reelgraph.app.download.http import DownloadError, HttpClient
from reelgraph.app.download.posters import PosterClient
from reelgraph.app.server import handlers
from tests.helpers.bundle_samples import write_sample_bundle
from tests.helpers.download_server import RequestLog, Response, serve_responses
from tests.helpers.poster_server import JPEG, WITHOUT_POSTER, PosterApi


def make_client(url: str) -> PosterClient:
    token = {"Authorization": "Bearer secret"}
    return PosterClient(HttpClient(url, headers=token, requests_per_second=1000.0, backoff_s=0.01))


def test_poster_client_fetch_keeps_the_key_from_the_host_of_the_images() -> None:
    with (
        serve_responses(PosterApi()) as (images_url, images_log),
        serve_responses(PosterApi(images_url)) as (url, log),
    ):
        posters = make_client(url)
        assert posters.fetch(862) == JPEG
        assert log.headers["Authorization"] == "Bearer secret"
        assert images_log.paths == ["/t/p/w185/poster.jpg"]
        assert "Authorization" not in images_log.headers
        assert posters.fetch(WITHOUT_POSTER) is None
        posters.fetch(862)
        assert log.count("/configuration") == 1


@pytest.mark.parametrize(
    "path", [None, 5, "poster.jpg", "/../etc/passwd.jpg", "/a b.jpg", "//host/a.jpg", "/a.svg"]
)
def test_poster_client_fetch_takes_no_other_paths(path: object) -> None:
    def respond(request_path: str, log: RequestLog) -> Response:
        return 200, json.dumps({"poster_path": path}).encode(), {}

    with serve_responses(respond) as (url, log):
        assert make_client(url).fetch(862) is None
        assert log.paths == ["/movie/862"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"images": 5}', b'{"images": {"secure_base_url": 5}}'])
def test_poster_client_fetch_refuses_another_configuration(body: bytes) -> None:
    def respond(path: str, log: RequestLog) -> Response:
        return (200, body, {}) if path == "/configuration" else PosterApi()(path, log)

    with serve_responses(respond) as (url, _), pytest.raises(DownloadError, match="address of TMDB's images"):
        make_client(url).fetch(862)


def test_poster_is_null_without_posters_or_image(tmp_path: Path) -> None:
    bundle = reelgraph.load(write_sample_bundle(tmp_path))
    movie = str(bundle.catalog.movie_ids[0]).encode()
    assert handlers.poster(bundle, None, movie) == {"image": None}
    assert not handlers.details(bundle, None, movie)["has_poster"]
    with serve_responses(PosterApi(image=b"<svg>")) as (url, _):
        assert handlers.poster(bundle, make_client(url), movie) == {"image": None}


def test_serve_with_posters_needs_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMDB_API_KEY", raising=False)
    result = CliRunner().invoke(app, ["serve", "--posters", "--bundle", str(write_sample_bundle(tmp_path))])
    assert result.exit_code == 1
    assert "TMDB_API_KEY: expected your key for TMDB's API, got none" in result.output
