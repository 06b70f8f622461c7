"""Download from a local server that responds as TMDB does: busy, broken, missing movies, malformed fields."""

from __future__ import annotations

import csv
import gzip
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from reelgraph.app.cli.main import app
from reelgraph.app.download import http, tmdb
from reelgraph.app.download.http import DownloadError, HttpClient
from reelgraph.runtime.errors import InputError
from stages import ingest
from tests.helpers.download_server import RequestLog, Response, serve_responses
from tests.helpers.source_files import ingest_params

TOY_STORY = {
    "id": 862, "imdb_id": "tt0114709", "original_title": "Toy Story", "title": "Toy Story", "tagline": "",
    "overview": "Led by Woody,\n\"toys\" live.", "release_date": "1995-10-30", "runtime": 81,
    "genres": [{"id": 16, "name": "Animation"}, {"id": 10751, "name": "Family"}], "production_companies": [{"name": "Pixar"}],
    "production_countries": [{"iso_3166_1": "US", "name": "United States of America"}],
    "spoken_languages": [{"english_name": "French", "name": "Français"}],
    "credits": {"cast": [{"name": "Tim Allen", "order": 1}, {"name": "Tom Hanks", "order": 0}],
                "crew": [{"job": "Editing", "name": "E"}, {"job": "Director", "name": "John Lasseter"},
                         {"job": "Screenplay", "name": "Joss Whedon"}]},
}  # fmt: skip
MALFORMED = {
    "id": 7, "imdb_id": None, "original_title": None, "title": 5, "overview": ["x"], "release_date": "", "runtime": 0, "genres": None,
    "production_companies": {"name": "x"}, "production_countries": [None, 3, {"name": None}, {"name": "Italy"}],
    "spoken_languages": [{}], "credits": {"cast": [{"name": "A", "order": "first"}, "B"], "crew": None},
}  # fmt: skip
MINIMAL = {"id": 8, "credits": []}
LINKS = "movieId,imdbId,tmdbId\n1,114709,862\n2,110877,7\n3,1,8\n4,2,404\n5,3,\n"


Respond = Callable[[str, RequestLog], Response]


class TmdbApi:
    """TMDB with three movies; the first requests of each movie get the ``errors``."""

    def __init__(self, errors: tuple[Response, ...] = ()) -> None:
        self.errors = errors
        self.movies = {862: TOY_STORY, 7: MALFORMED, 8: MINIMAL}

    def __call__(self, path: str, log: RequestLog) -> Response:
        attempt = log.count(path) - 1
        if attempt < len(self.errors):
            return self.errors[attempt]
        movie = self.movies.get(int(path.rpartition("/")[2]))
        if movie is None:
            return 404, json.dumps({"success": False, "status_code": 34}).encode(), {}
        return 200, json.dumps(movie).encode(), {}


@contextmanager
def serve_tmdb(respond: Respond) -> Iterator[tuple[HttpClient, RequestLog]]:
    with serve_responses(respond) as (url, log):
        yield HttpClient(url, query="api_key=k", requests_per_second=1000.0, backoff_s=0.01), log


def write_links(folder: Path) -> Path:
    (folder / "links.csv").write_text(LINKS)
    return folder / "links.csv"


def download(folder: Path, respond: Respond) -> tuple[dict[str, int], RequestLog]:
    with serve_tmdb(respond) as (client, log):
        return tmdb.download_movies(client, write_links(folder), folder / "tmdb"), log


def test_download_movies_writes_files_that_ingest_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, log = download(tmp_path, TmdbApi())
    assert counts == {
        "without an id": 1,
        "already downloaded": 0,
        "downloaded": 3,
        "missing at TMDB": 1,
        "movies written": 3,
    }
    assert log.query == {"append_to_response": ["credits"], "api_key": ["k"]}
    titles = [f"{movie},Movie {movie} (1990),Drama\n" for movie in range(1, 6)]
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n" + "".join(titles))
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
    monkeypatch.chdir(tmp_path)
    ingest.main(ingest_params(source="movielens", movielens=str(tmp_path), tmdb=str(tmp_path / "tmdb")))
    toy_story, malformed, minimal, missing, _ = pq.read_table("data/catalog.parquet").to_pylist()
    assert toy_story == {
        "movieId": 1, "original_title": "Toy Story", "tagline": None, "overview": 'Led by Woody,\n"toys" live.',
        "actor_1": "Tom Hanks", "actor_2": "Tim Allen", "actor_3": None, "director_1": "John Lasseter",
        "writer_1": "Joss Whedon", "genre_1": "Animation", "genre_2": "Family", "genre_3": None, "genre_4": None,
        "genre_5": None, "produced_by_company_1": "Pixar",
        "produced_in_country_1": "United States of America", "spoken_language_1": "French", "release_year": 1995,
        "runtime_minutes": 81,
    }  # fmt: skip
    assert malformed["original_title"] == "Movie 2"
    assert (malformed["actor_1"], malformed["runtime_minutes"]) == ("A", None)
    assert malformed["produced_in_country_1"] == "Italy"
    assert (minimal["original_title"], minimal["genre_1"]) == ("Movie 3", "Drama")
    assert missing["original_title"] == "Movie 4"


def test_download_movies_retries_busy_and_broken_responses(tmp_path: Path) -> None:
    errors = ((429, b"", {"Retry-After": "0"}), (500, b"oops", {}), (502, b"", {}), (0, b"", {}))
    counts, log = download(tmp_path, TmdbApi(errors))
    assert counts["movies written"] == 3
    assert log.count("/movie/862") == len(errors) + 1


def test_download_movies_continues_an_interrupted_download(tmp_path: Path) -> None:
    def fail_at_toy_story(path: str, log: RequestLog) -> Response:
        return (500, b"", {}) if path.endswith("/862") else TmdbApi()(path, log)

    with pytest.raises(DownloadError, match=r"too many 500 error responses \(6 attempts\)"):
        download(tmp_path, fail_at_toy_story)
    assert not (tmp_path / "tmdb/movies_metadata.csv").exists()
    n_saved = len(list((tmp_path / "tmdb/answers").rglob("*.json")))
    counts, log = download(tmp_path, TmdbApi())
    assert counts["already downloaded"] == n_saved > 0
    assert len(log.paths) == 4 - n_saved
    counts, log = download(tmp_path, TmdbApi())
    assert (counts["already downloaded"], counts["movies written"], log.paths) == (4, 3, [])


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"id": 9}', b"\xff", b"[" * 100_000, b'{"id": 862, "a": ' * 50_000]
)
def test_download_movies_does_not_save_invalid_responses(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(DownloadError, match="got other responses only"):
        download(tmp_path, lambda path, log: (200, body, {}))
    assert list((tmp_path / "tmdb").glob("answers/*")) == []
    counts, _ = download(
        tmp_path, lambda path, log: (200, body, {}) if "862" in path else TmdbApi()(path, log)
    )
    assert counts["invalid response"] == 1


def test_download_movies_replaces_halves_of_surrogate_pairs(tmp_path: Path) -> None:
    def respond(path: str, log: RequestLog) -> Response:
        movie = path.rpartition("/")[2]
        return (200, f'{{"id": {movie}, "title": "\\ud800", "overview": "x"}}'.encode(), {})

    assert download(tmp_path, respond)[0]["movies written"] == 4
    assert ",?," in (tmp_path / "tmdb/movies_metadata.csv").read_text(encoding="utf-8")


def test_http_client_sends_no_token_to_another_host() -> None:
    with serve_responses(lambda path, log: (200, b"{}", {})) as (other, other_log):
        redirect = (302, b"", {"Location": other.replace("127.0.0.1", "localhost") + "/stolen"})
        with serve_responses(lambda path, log: redirect) as (url, log):
            HttpClient(url, headers={"Authorization": "Bearer s3cret"}).get("/movie/862")
    assert log.headers["Authorization"] == "Bearer s3cret"
    assert other_log.paths == ["/stolen"]
    assert "s3cret" not in str(other_log.headers)


def test_http_client_takes_any_retry_after_and_limits_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("soon", "9" * 400, "-1", "\xff"):
        busy = (503, b"", {"Retry-After": text})
        with serve_responses(
            lambda path, log, busy=busy: busy if log.count(path) < 2 else (200, b"ok", {})
        ) as (
            url,
            _,
        ):
            monkeypatch.setattr(http, "MAX_WAIT_S", 0)
            assert HttpClient(url, backoff_s=0.0).get("/x") == b"ok"
    monkeypatch.setattr(http, "MAX_RESPONSE_BYTES", 1_000)
    bomb = gzip.compress(b"0" * 2_000)
    with (
        serve_responses(lambda path, log: (200, bomb, {"Content-Encoding": "gzip"})) as (url, _),
        pytest.raises(DownloadError, match="at most 1,000 bytes"),
    ):
        HttpClient(url).get("/x")


def test_command_tmdb_stops_at_a_rejected_key_and_does_not_show_it(tmp_path: Path) -> None:
    with serve_tmdb(lambda path, log: (401, b'{"status_code": 7}', {})) as (client, log):
        options = ["--to", str(tmp_path / "tmdb"), "--server", client.base_url]
        result = CliRunner().invoke(
            app,
            ["download", "tmdb", "--links", str(write_links(tmp_path)), *options],
            env={"TMDB_API_KEY": "s3cret"},
        )
    assert result.exit_code == 1
    assert "Check the key" in result.output
    assert "s3cret" not in result.output
    assert len(log.paths) <= tmdb.THREADS
    assert not any(path.is_file() and b"s3cret" in path.read_bytes() for path in tmp_path.rglob("*"))


@pytest.mark.parametrize("response", [(0, b"", {}), (503, b"", {})])
def test_http_client_shows_the_query_in_no_error_or_log(
    response: Response, caplog: pytest.LogCaptureFixture
) -> None:
    with serve_responses(lambda path, log: response) as (url, _):
        client = HttpClient(url, query="api_key=s3cret", backoff_s=0.01)
        with caplog.at_level(logging.WARNING), pytest.raises(DownloadError) as error:
            client.get("/movie/1")
    assert "/movie/1" in str(error.value)
    assert "s3cret" not in str(error.value) + caplog.text


def test_http_client_raises_if_the_server_does_not_exist() -> None:
    with pytest.raises(DownloadError, match="a response, got"):
        HttpClient("http://127.0.0.1:1", backoff_s=0.0).get("/movie/1")


@pytest.mark.parametrize("url", ["htp://example", "example", "http://[::1", "https://", ""])
def test_http_client_refuses_other_urls(url: str) -> None:
    with pytest.raises(DownloadError, match="the http or https URL of a server"):
        HttpClient(url)


def test_http_client_takes_a_proxy_without_a_scheme_and_refuses_other_protocols(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "")
    with serve_responses(lambda path, log: (200, b"by proxy", {})) as (url, _):
        monkeypatch.setenv("http_proxy", url.removeprefix("http://"))
        assert HttpClient("http://movies.example").get("/x") == b"by proxy"
    for proxy in ("socks5://localhost:1080", "http://[::1"):
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(DownloadError, match="http_proxy: expected a proxy such as"):
            HttpClient("http://movies.example")


def test_make_client_sends_a_token_in_a_header(tmp_path: Path) -> None:
    with serve_responses(TmdbApi()) as (url, log):
        tmdb.download_movies(tmdb.make_client("t" * 200, url), write_links(tmp_path), tmp_path / "tmdb")
    assert log.headers["Authorization"] == "Bearer " + "t" * 200
    assert "api_key" not in log.query


def test_command_tmdb_raises_without_a_key(tmp_path: Path) -> None:
    arguments = ["download", "tmdb", "--links", str(write_links(tmp_path))]
    for key, got in (("", "none"), ("a\nb" * 20, "other characters"), ("a&b", "other characters")):
        result = CliRunner().invoke(app, arguments, env={"TMDB_API_KEY": key})
        assert result.exit_code == 1
        assert f"your key for TMDB's API, got {got}" in result.output


def test_download_movies_names_missing_links(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"links\.csv, got no file\. Give its path by --links"):
        tmdb.download_movies(HttpClient("http://127.0.0.1:1"), tmp_path / "links.csv", tmp_path)


def test_http_client_limits_the_rate_of_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    clock = SimpleNamespace(sleep=waits.append, monotonic=lambda: 100.0)
    monkeypatch.setattr("reelgraph.app.download.http.time", clock)
    with serve_responses(TmdbApi()) as (url, _):
        client = HttpClient(url, requests_per_second=10.0)
        tmdb.download_movies(client, write_links(tmp_path), tmp_path / "tmdb")
    assert sorted(waits) == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_download_movies_writes_valid_csv(tmp_path: Path) -> None:
    download(tmp_path, TmdbApi())
    with (tmp_path / "tmdb/movies_metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["7", "8", "862"]
    assert json.loads(rows[2]["genres"]) == [{"name": "Animation"}, {"name": "Family"}]
