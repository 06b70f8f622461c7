"""The page's server: its responses equal the bundle's, invalid requests get errors, nothing is stored."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from typer.testing import CliRunner

import reelgraph
from reelgraph.app.cli.main import app
from reelgraph.app.rating_imports.ratings_file import RatingsFile
from reelgraph.app.server import handlers, server
from reelgraph.app.server.server import allowed_hosts
from tests.app.test_archives import zip_files
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers.app_server import run_server, send_request, start_server
from tests.helpers.bundle_samples import sample_history, write_sample_bundle


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_bundle(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with run_server(folder) as url:
        yield url


def request_body(**options: object) -> bytes:
    ratings = [[movie, stars, None] for movie, stars in sample_history()]
    return json.dumps({"ratings": ratings, **options}).encode()


def test_recommend_equals_the_bundles_recommend(url: str, folder: Path) -> None:
    status, body, headers = send_request(
        url + "api/recommend", request_body(top=5, filters={"genres": ["Drama"]})
    )
    result = json.loads(body)
    bundle = reelgraph.load(folder)
    expected = bundle.recommend(sample_history(), top=5, genres=["Drama"])
    recommendations = result["recommendations"]
    assert status == 200
    assert [movie["movie_id"] for movie in recommendations] == [movie.movie_id for movie in expected]
    stars = [movie["stars"] for movie in recommendations]
    assert stars == pytest.approx([movie.stars for movie in expected])
    assert [len(movie["reasons"]) for movie in recommendations] == [len(movie.reasons) for movie in expected]
    assert any(movie.reasons for movie in expected)
    assert set(result["user"]) == {"level", "drift"}
    scores = np.frombuffer(base64.b64decode(result["scores"]), np.uint8) / 50
    row = bundle.resolve(expected[0].movie_id)
    assert scores[row] == pytest.approx(expected[0].stars, abs=0.01)
    assert headers["Cache-Control"] == "no-store"


def test_movies_payload_has_all_movies(url: str) -> None:
    status, body, _ = send_request(url + "api/movies")
    movies = json.loads(gzip.decompress(body))
    assert status == 200
    assert movies["title"][0] == "Spirited Away"
    assert set(movies) == {"id", "source_id", "title", "year", "runtime", "genres", "x", "y", "ratings"}
    assert {len(column) for column in movies.values()} == {40}


def test_import_ratings_returns_matched_ratings_by_time(url: str) -> None:
    status, body, _ = send_request(url + "api/import", LETTERBOXD.encode())
    result = json.loads(body)
    assert status == 200
    assert [rating[:2] for rating in result["ratings"]] == [[100, 5.0], [109, 3.5], [104, 4.5]]
    assert result["ratings"][0][2] > 1_000_000_000
    assert (result["site"], result["rows"], len(result["skipped"])) == ("Letterboxd", 7, 4)
    assert result["notes"] == ["Ratings are on a scale to 5.", "7 of 7 rows have a date that was understood."]
    solaris = result["skipped"][-1]
    assert (solaris["candidates"], solaris["stars"]) == ([111, 112], 4.0)
    assert solaris["time"] == 1709683200


def test_import_ratings_reads_an_archive_and_a_stated_scale(url: str) -> None:
    status, body, _ = send_request(url + "api/import", zip_files({"ratings.csv": LETTERBOXD}))
    assert (status, len(json.loads(body)["ratings"])) == (200, 3)
    table = b"title,year,rating\nHeat,1995,4\n"
    assert json.loads(send_request(url + "api/import?scale=10", table)[1])["ratings"] == [[104, 2.0, None]]
    assert send_request(url + "api/import?scale=7", table)[0] == 422


def test_import_ratings_keeps_the_known_dates(url: str, folder: Path) -> None:
    rows = ["2024-03-02,Heat,1995,u,4", "soon,Amelie,2001,u,5", "2024-03-01,The Matrix,1999,u,3"]
    text = "Date,Name,Year,Letterboxd URI,Rating\n" + "\n".join(rows) + "\n"
    result = json.loads(send_request(url + "api/import", text.encode())[1])
    assert result["ratings"] == [[103, 5.0, None], [101, 3.0, 1709251200], [104, 4.0, 1709337600]]
    assert "1 dates were not understood" in result["notes"][-1]
    body = json.dumps({"ratings": result["ratings"]}).encode()
    page = json.loads(send_request(url + "api/recommend", body)[1])["recommendations"]
    (folder.parent / "mixed.csv").write_text(text)
    arguments = ["recommend", "-r", str(folder.parent / "mixed.csv"), "-n", "10", "--bundle", str(folder)]
    command = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["recommendations"]
    python = reelgraph.load(folder).recommend([tuple(rating) for rating in result["ratings"]], top=10)
    stars = [[movie["stars"] for movie in movies] for movies in (page, command)]
    assert stars[0] == stars[1] == [movie.stars for movie in python]


def test_search_equals_the_bundles_search(url: str, folder: Path) -> None:
    status, body, _ = send_request(url + "api/search", "千と千尋".encode())
    assert (status, json.loads(body)) == (200, {"movies": [100]})
    assert json.loads(send_request(url + "api/search", b"\xff")[1]) == {"movies": []}


@pytest.mark.parametrize(
    ("query", "movies"), [("500", [109]), (" movieId 109 ", [109]), ("107", [107]), ("movieId 109000", [])]
)
def test_search_takes_a_movie_id_and_searches_numbers_in_titles(
    url: str, query: str, movies: list[int]
) -> None:
    assert json.loads(send_request(url + "api/search", query.encode())[1]) == {"movies": movies}


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("import", b"PK\x03\x04\x00\x00", 422, "Extract the zip archive"),
        ("import", b"[" * 100_000, 422, "nested too deeply"),
        ("import", b'[{"title": "\\ud800", "rating": 4}]', 422, "half of a surrogate pair"),
        ("import", b"title,year,rating\nHeat,1995,9\nA,2000,4.5\n", 422, "State the scale"),
        ("recommend", b"[" * 100_000, 422, "a valid request"),
        ("recommend", b'{"ratings": [], "filters": {"genres": ["\\ud800"]}}', 422, "a valid request"),
        ("import", b"\xff\xd8\xff\xe0 a picture", 422, "UTF-8"),
        ("import", b"", 422, "columns of a supported site"),
        ("import", b"<script>alert(1)</script>", 422, "columns of a supported site"),
        ("import", b"x" * 5_000_001, 413, "at most 5,000,000 bytes"),
        ("recommend", b"{" * 500_001, 413, "at most 500,000 bytes"),
        ("recommend", b"{", 422, "a valid request"),
        ("recommend", b'{"ratings": [[101, 9, null]]}', 422, "half stars"),
        ("recommend", b'{"ratings": [[101, NaN, null]]}', 422, "a valid request"),
        ("recommend", b'{"ratings": [[7, 4.0, null]]}', 422, "movieId 7"),
        ("recommend", b'{"ratings": [[101, 4.0, null], [101, 3.0, null]]}', 422, "one rating per movie"),
        ("recommend", b'{"ratings": [], "other": 1}', 422, "other"),
        ("recommend", b'{"ratings": [], "top": 1000}', 422, "top"),
        ("recommend", b'{"ratings": [], "filters": {"genres": ["Opera"]}}', 422, "one of Crime, Drama"),
    ],
)
def test_invalid_requests_get_an_error_message(
    url: str, path: str, body: bytes, status: int, message: str
) -> None:
    actual_status, response, _ = send_request(url + "api/" + path, body)
    assert actual_status == status
    assert message in json.loads(response)["error"]


def test_create_app_rejects_other_media_types_hosts_and_methods(url: str) -> None:
    assert send_request(url + "api/recommend", request_body(), "text/plain")[0] == 415
    assert send_request(url, Host="evil.example")[0] == 400
    assert send_request(url + "api/recommend")[0] == 405
    assert send_request(url + "../../etc/passwd")[0] == 404


def test_create_app_checks_the_host_on_every_loopback_address(folder: Path) -> None:
    with start_server(folder, "--host", "127.0.0.2") as (url, _):
        assert url.startswith("http://127.0.0.2:")
        assert send_request(url, Host="evil.example")[0] == 400
        for host in ("127.0.0.2", "127.0.0.2:80", "localhost:80", "[::1]:80"):
            assert send_request(url, Host=host)[0] == 200


@pytest.mark.parametrize(
    ("host", "address", "hosts"),
    [
        ("localhost", "127.0.0.1", ["127.0.0.1", "localhost", "[::1]"]),
        ("::1", "::1", ["127.0.0.1", "localhost", "[::1]"]),
        ("0:0:0:0:0:0:0:1", "::1", ["127.0.0.1", "localhost", "[::1]", "[0:0:0:0:0:0:0:1]"]),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"]),
        ("laptop", "127.0.1.1", ["127.0.0.1", "localhost", "[::1]", "laptop", "127.0.1.1"]),
        ("0.0.0.0", "0.0.0.0", ["*"]),
        ("192.168.1.5", "192.168.1.5", ["*"]),
    ],
)
def test_allowed_hosts(host: str, address: str, hosts: list[str]) -> None:
    assert allowed_hosts(host, address) == hosts


def test_long_imports_do_not_delay_recommendations(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    started = threading.Semaphore(0)
    read_file = handlers.parse_ratings_file

    def read_slowly(*arguments: Any) -> RatingsFile:
        started.release()
        assert release.wait(60)
        return read_file(*arguments)

    monkeypatch.setattr(handlers, "parse_ratings_file", read_slowly)
    app = server.create_app(reelgraph.load(folder), ["*"])

    async def send(path: str, body: bytes) -> int:
        """Send a request to the application; return the status."""
        messages: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        async def collect(message: MutableMapping[str, Any]) -> None:
            messages.append(message)

        headers = [(b"content-type", b"application/octet-stream")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        await app(scope, receive, collect)
        return messages[0]["status"]

    async def check() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(server.MAX_CONCURRENT_REQUESTS):
                tasks.start_soon(send, "/api/import", LETTERBOXD.encode())
            for _ in range(server.MAX_CONCURRENT_REQUESTS):
                assert await anyio.to_thread.run_sync(started.acquire, True, 60)
            try:
                with anyio.fail_after(60):
                    assert await send("/api/recommend", request_body(top=1)) == 200
            finally:
                release.set()

    anyio.run(check)


def test_page_files_load_nothing_from_other_hosts(url: str) -> None:
    for path in ("", "style.css", "app.js", "map.js", "user_data.js"):
        status, body, headers = send_request(url + path)
        assert status == 200
        text = body.replace(b"http://www.w3.org/2000/svg", b"")
        assert b"//" not in text.replace(b"\n//", b"").replace(b"  //", b"")
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_recommend_answers_50_concurrent_users_correctly(url: str, folder: Path) -> None:
    bundle = reelgraph.load(folder)

    def is_correct(user: int) -> bool:
        ratings = [(115 + user % 25, (user % 10 + 1) / 2, None), (115 + (user + 7) % 25, 3.0, 10**9)]
        body = json.dumps({"ratings": ratings, "top": 3}).encode()
        result = json.loads(send_request(url + "api/recommend", body)[1])
        movie_ids = [movie["movie_id"] for movie in result["recommendations"]]
        return movie_ids == [movie.movie_id for movie in bundle.recommend(ratings, top=3)]

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(is_correct, range(50)))


def test_server_writes_no_files(url: str, folder: Path) -> None:
    mtimes = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    send_request(url + "api/import", LETTERBOXD.encode())
    send_request(url + "api/recommend", request_body())
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == mtimes
