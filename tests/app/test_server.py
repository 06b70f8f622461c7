"""The server answers as the bundle does, refuses what is no question, and keeps nothing."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import reelgraph
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers import bundle_samples
from tests.helpers.app_server import run_server, send_request


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with run_server(folder) as address:
        yield address


def question(**other: object) -> bytes:
    return json.dumps(
        {"ratings": [[movie, stars] for movie, stars in bundle_samples.sample_history()], **other}
    ).encode()


def test_recommendations_are_the_bundles(url: str, folder: Path) -> None:
    status, body, headers = send_request(url + "api/recommend", question(top=5, genre="Drama"))
    said, bundle = json.loads(body), reelgraph.load(folder)
    expected = bundle.recommend(bundle_samples.sample_history(), top=5, genre="Drama")
    assert status == 200
    assert [each["movie_id"] for each in said["recommendations"]] == [each.movie_id for each in expected]
    assert [each["stars"] for each in said["recommendations"]] == pytest.approx(
        [each.stars for each in expected]
    )
    assert len(said["recommendations"][0]["reasons"]) == len(expected[0].reasons) > 0
    scores = np.frombuffer(base64.b64decode(said["scores"]), np.uint8) / 50
    place = int(np.flatnonzero(bundle.library.movie_ids == expected[0].movie_id)[0])
    assert scores[place] == pytest.approx(expected[0].stars, abs=0.01)
    assert headers["Cache-Control"] == "no-store"


def test_movies_are_told_once(url: str) -> None:
    status, body, _ = send_request(url + "api/movies")
    said = json.loads(gzip.decompress(body))
    assert status == 200
    assert said["title"][0] == "Spirited Away"
    assert {len(said[name]) for name in ("id", "title", "year", "genre", "x", "y", "ratings")} == {40}


def test_a_file_is_imported_oldest_first(url: str) -> None:
    status, body, _ = send_request(url + "api/import", LETTERBOXD.encode())
    said = json.loads(body)
    assert status == 200
    assert said["ratings"] == [[100, 5.0], [109, 3.5], [104, 4.5]]
    assert (said["site"], said["rows"], len(said["not_matched"])) == ("Letterboxd", 7, 4)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("import", b"PK\x03\x04\x00\x00", 422, "Unpack a zip"),
        ("import", b"\xff\xd8\xff\xe0 a picture", 422, "UTF-8"),
        ("import", b"", 422, "columns of a site"),
        ("import", b"<script>alert(1)</script>", 422, "columns of a site"),
        ("import", b"x" * 5_000_001, 413, "at most 5,000,000 bytes"),
        ("recommend", b"{" * 500_001, 413, "at most 500,000 bytes"),
        ("recommend", b"{", 422, "a question"),
        ("recommend", b'{"ratings": [[101, 9]]}', 422, "half stars"),
        ("recommend", b'{"ratings": [[101, NaN]]}', 422, "a question"),
        ("recommend", b'{"ratings": [[7, 4.0]]}', 422, "movieId 7"),
        ("recommend", b'{"ratings": [[101, 4.0], [101, 3.0]]}', 422, "a movie once"),
        ("recommend", b'{"ratings": [], "other": 1}', 422, "other"),
        ("recommend", b'{"ratings": [], "top": 1000}', 422, "top"),
        ("recommend", b'{"ratings": [], "genre": "Opera"}', 422, "one of Crime, Drama"),
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused_with_the_reason(
    url: str, path: str, body: bytes, status: int, said: str
) -> None:
    got, answer, _ = send_request(url + "api/" + path, body)
    assert (got, said in json.loads(answer)["error"]) == (status, True), answer


def test_other_types_hosts_and_methods_are_refused(url: str) -> None:
    assert send_request(url + "api/recommend", question(), "text/plain")[0] == 415
    assert send_request(url, Host="evil.example")[0] == 400
    assert send_request(url + "api/recommend")[0] == 405
    assert send_request(url + "../../etc/passwd")[0] == 404


def test_the_page_may_load_nothing_from_elsewhere(url: str) -> None:
    for path in ("", "style.css", "app.js"):
        status, body, headers = send_request(url + path)
        assert status == 200
        assert b"//" not in body.replace(b"http://www.w3.org/2000/svg", b"").replace(b"\n//", b"").replace(
            b"  //", b""
        )
        assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_fifty_people_at_once_get_their_own_answers(url: str, folder: Path) -> None:
    bundle, movies = reelgraph.load(folder), [int(each) for each in range(115, 140)]

    def one(at: int) -> bool:
        mine = [[movies[at % 25], (at % 10 + 1) / 2], [movies[(at + 7) % 25], 3.0]]
        said = json.loads(
            send_request(url + "api/recommend", json.dumps({"ratings": mine, "top": 3}).encode())[1]
        )
        got = [each["movie_id"] for each in said["recommendations"]]
        return got == [each.movie_id for each in bundle.recommend([(m, s) for m, s in mine], top=3)]

    with ThreadPoolExecutor(50) as pool:
        assert all(pool.map(one, range(50)))


def test_nothing_is_written(url: str, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")}
    send_request(url + "api/import", LETTERBOXD.encode())
    send_request(url + "api/recommend", question())
    assert {path: path.stat().st_mtime_ns for path in folder.parent.rglob("*")} == before
