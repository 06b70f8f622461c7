"""Fetching from TMDB against a server that behaves like it: busy, broken, without a movie, with odd fields."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from reelgraph.app.cli.main import app
from reelgraph.app.download import tmdb
from reelgraph.app.download.http import DownloadError, HttpClient
from stages import ingest
from tests.helpers.download_server import Answer, RequestLog, serve_responses
from tests.helpers.source_files import ingest_params

TOY = {
    "id": 862, "imdb_id": "tt0114709", "original_title": "Toy Story", "title": "Toy Story", "tagline": "",
    "overview": "Led by Woody,\n\"toys\" live.", "release_date": "1995-10-30",
    "genres": [{"id": 16, "name": "Animation"}], "production_companies": [{"name": "Pixar"}],
    "production_countries": [{"iso_3166_1": "US", "name": "United States of America"}],
    "spoken_languages": [{"english_name": "French", "name": "Français"}],
    "credits": {"cast": [{"name": "Tim Allen", "order": 1}, {"name": "Tom Hanks", "order": 0}],
                "crew": [{"job": "Editing", "name": "E"}, {"job": "Director", "name": "John Lasseter"},
                         {"job": "Screenplay", "name": "Joss Whedon"}]},
}  # fmt: skip
ODD = {
    "id": 7, "imdb_id": None, "original_title": None, "title": 5, "overview": ["x"], "release_date": "", "genres": None,
    "production_companies": {"name": "x"}, "production_countries": [None, 3, {"name": None}, {"name": "Italy"}],
    "spoken_languages": [{}], "credits": {"cast": [{"name": "A", "order": "first"}, "B"], "crew": None},
}  # fmt: skip
BARE = {"id": 8, "credits": []}
LINKS = "movieId,imdbId,tmdbId\n1,114709,862\n2,110877,7\n3,1,8\n4,2,404\n5,3,\n"


class Api:
    """TMDB, whose every movie is first refused in each way that passes."""

    def __init__(self, trouble: tuple[Answer, ...] = ()) -> None:
        self.trouble, self.movies = trouble, {862: TOY, 7: ODD, 8: BARE}

    def __call__(self, path: str, asked: RequestLog) -> Answer:
        nth = asked.count(path) - 1
        if nth < len(self.trouble):
            return self.trouble[nth]
        found = self.movies.get(int(path.rpartition("/")[2]))
        if found is None:
            return 404, json.dumps({"success": False, "status_code": 34}).encode(), {}
        return 200, json.dumps(found).encode(), {}


@contextmanager
def api(answer: object) -> Iterator[tuple[HttpClient, RequestLog]]:
    with serve_responses(answer) as (url, asked):
        yield HttpClient(url, requests_per_second=1000.0, backoff_s=0.01), asked


def links(folder: Path) -> Path:
    (folder / "links.csv").write_text(LINKS)
    return folder / "links.csv"


def fetched(folder: Path, answer: object) -> tuple[dict[str, int], RequestLog]:
    with api(answer) as (client, asked):
        return tmdb.fetch_movies(client, "api_key=k", links(folder), folder / "tmdb"), asked


def test_movies_become_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, asked = fetched(tmp_path, Api())
    assert counts == {
        "without an id": 1,
        "kept from before": 0,
        "fetched": 3,
        "missing at TMDB": 1,
        "movies written": 3,
    }
    assert asked.query == {"append_to_response": ["credits"], "api_key": ["k"]}
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n" + "".join(
        f"{at},Movie {at} (1990),Drama\n" for at in range(1, 6)))  # fmt: skip
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,964982703\n")
    monkeypatch.chdir(tmp_path)
    ingest.main(ingest_params(source="movielens", movielens=str(tmp_path), tmdb=str(tmp_path / "tmdb")))
    toy, odd, bare, missing, _ = pq.read_table("data/catalog.parquet").to_pylist()
    assert toy == {
        "movieId": 1, "original_title": "Toy Story", "tagline": None, "overview": 'Led by Woody,\n"toys" live.',
        "actor_1": "Tom Hanks", "actor_2": "Tim Allen", "actor_3": None, "director_1": "John Lasseter",
        "writer_1": "Joss Whedon", "genre_1": "Animation", "produced_by_company_1": "Pixar",
        "produced_in_country_1": "United States of America", "spoken_language_1": "French", "release_year": 1995,
    }  # fmt: skip
    assert (odd["original_title"], odd["actor_1"], odd["produced_in_country_1"]) == ("Movie 2", "A", "Italy")
    assert (bare["original_title"], bare["genre_1"]) == (missing["original_title"].replace("4", "3"), "Drama")


def test_busy_and_broken_answers_are_asked_for_again(tmp_path: Path) -> None:
    trouble = ((429, b"", {"Retry-After": "0"}), (500, b"oops", {}), (502, b"", {}), (0, b"", {}))
    counts, asked = fetched(tmp_path, Api(trouble))
    assert counts["movies written"] == 3
    assert asked.count("/movie/862") == len(trouble) + 1


def test_who_was_stopped_goes_on(tmp_path: Path) -> None:
    def dies(path: str, asked: RequestLog) -> Answer:
        return (500, b"", {}) if path.endswith("/862") else Api()(path, asked)

    with pytest.raises(DownloadError, match="status 500, 6 times"):
        fetched(tmp_path, dies)
    assert not (tmp_path / "tmdb/movies_metadata.csv").exists()
    kept = len(list((tmp_path / "tmdb/answers").glob("*.json")))
    counts, asked = fetched(tmp_path, Api())
    assert counts["kept from before"] == kept > 0
    assert len(asked.paths) == 4 - kept
    again, asked = fetched(tmp_path, Api())
    assert (again["kept from before"], again["movies written"], asked.paths) == (4, 3, [])


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"id": 9}', b"\xff"])
def test_what_is_no_movie_is_not_kept(tmp_path: Path, body: bytes) -> None:
    counts, _ = fetched(tmp_path, lambda path, asked: (200, body, {}))
    assert counts["unreadable, not kept"] == 4
    assert list((tmp_path / "tmdb").glob("answers/*")) == []


def test_a_refused_key_stops_at_once_and_stands_in_no_message(tmp_path: Path) -> None:
    refused = (401, b'{"status_code": 7}', {})
    with api(lambda path, asked: refused) as (client, asked):
        words = [
            "tmdb",
            "--links",
            str(links(tmp_path)),
            "--to",
            str(tmp_path / "tmdb"),
            "--server",
            client.base_url,
        ]
        done = CliRunner().invoke(app, words, env={"TMDB_API_KEY": "s3cret"})
    assert done.exit_code == 1
    assert "Check the key" in done.output
    assert "s3cret" not in done.output
    assert len(asked.paths) <= tmdb.THREADS
    assert not any(path.is_file() and b"s3cret" in path.read_bytes() for path in tmp_path.rglob("*"))


def test_a_token_goes_into_a_header(tmp_path: Path) -> None:
    with serve_responses(Api()) as (url, asked):
        client, query = tmdb.make_client("t" * 200, url)
        tmdb.fetch_movies(client, query, links(tmp_path), tmp_path / "tmdb")
    assert asked.headers["Authorization"] == "Bearer " + "t" * 200
    assert "api_key" not in asked.query


def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["tmdb", "--links", str(links(tmp_path))], env={"TMDB_API_KEY": ""})
    assert done.exit_code == 1
    assert "your key of TMDB's API" in done.output


def test_the_rate_is_shared_by_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    clock = SimpleNamespace(sleep=waited.append, monotonic=lambda: 100.0)
    monkeypatch.setattr("reelgraph.app.download.http.time", clock)
    with serve_responses(Api()) as (url, _):
        tmdb.fetch_movies(HttpClient(url, requests_per_second=10.0), "", links(tmp_path), tmp_path / "tmdb")
    assert sorted(waited) == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_the_files_are_what_csv_readers_read(tmp_path: Path) -> None:
    fetched(tmp_path, Api())
    with (tmp_path / "tmdb/movies_metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == ["7", "8", "862"]
    assert json.loads(rows[2]["genres"]) == [{"name": "Animation"}]
