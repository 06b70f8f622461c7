"""Fetching metadata and credits of MovieLens' movies from TMDB, with the user's own key.

One question a movie. Answers are kept as they come, so that whoever was stopped goes on; then they are
written as ``movies_metadata.csv`` and ``credits.csv``, which ``data.tmdb`` reads into the catalogue.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reelgraph.app.download.http import HttpClient
from reelgraph.runtime.atomic_io import write_text
from reelgraph.runtime.progress import progress
from reelgraph.sources.delimited import DelimitedFile, read_table
from reelgraph.sources.movielens_files import LINK_TYPES
from reelgraph.sources.tmdb_files import WRITER_JOBS

THREADS = 4
TEXT_FIELDS = ("imdb_id", "original_title", "title", "tagline", "overview", "release_date")
LIST_FIELDS = ("genres", "production_companies", "production_countries", "spoken_languages")
CREW_JOBS = ("Director", *WRITER_JOBS)
MAX_CAST = 10
Json = dict[str, Any]


def make_client(key: str, server: str) -> tuple[HttpClient, str]:
    """Return a client with the key, and the query that has it: a token goes into a header, a key there."""
    if len(key) > 40:  # a token of version 4
        return HttpClient(server, {"Authorization": f"Bearer {key}"}), ""
    return HttpClient(server), f"api_key={key}"


def fetch_movies(server: HttpClient, query: str, links: Path, folder: Path) -> dict[str, int]:
    """Fetch the movies that links.csv names; return counts.

    Args:
        server: TMDB.
        query: what every question has.
        links: MovieLens' links.csv: movieId, imdbId, tmdbId.
        folder: gets the two files, and ``answers/`` with what was fetched.

    Raises:
        InputError: links.csv is missing or malformed.
        FetchError: the server can't be reached, or refuses the key.
    """
    table = read_table(DelimitedFile(links, LINK_TYPES))
    ids = sorted({each for each in table["tmdbId"].to_pylist() if each is not None})
    answers = folder / "answers"
    there = {path.stem for path in answers.glob("*.json")}
    todo = [each for each in ids if str(each) not in there]
    counts = Counter({"without an id": table["tmdbId"].null_count, "kept from before": len(ids) - len(todo)})
    pool = ThreadPoolExecutor(THREADS)
    try:
        done = pool.map(lambda each: _one(server, query, each, answers), todo)
        counts.update(progress(done, "tmdb", len(todo)))
    finally:
        pool.shutdown(cancel_futures=True)
    movies = [movie for each in ids if (movie := _kept(answers / f"{each}.json"))]
    _write(movies, folder)
    return {**counts, "movies written": len(movies)}


def _one(server: HttpClient, query: str, movie: int, answers: Path) -> str:
    """Fetch one movie and keep the answer; say what came."""
    more = "append_to_response=credits" + (f"&{query}" if query else "")
    body = server.get(f"/movie/{movie}", more)
    if body is None:
        write_text("{}\n", answers / f"{movie}.json")
        return "missing at TMDB"
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("id") != movie:
        return "unreadable, not kept"
    write_text(json.dumps(found, ensure_ascii=False) + "\n", answers / f"{movie}.json")
    return "fetched"


def _kept(path: Path) -> Json | None:
    """Return a movie that was kept; None for one that TMDB doesn't have, or that wasn't kept."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "id" in found else None


def _write(movies: Iterable[Json], folder: Path) -> None:
    rows = [(str(m["id"]), *(_text(m.get(name)) for name in TEXT_FIELDS), *(_names(m.get(name)) for name in LIST_FIELDS))
            for m in movies]  # fmt: skip
    _write_csv(("id", *TEXT_FIELDS, *LIST_FIELDS), rows, folder / "movies_metadata.csv")
    people = [(_cast(m), _crew(m), str(m["id"])) for m in movies]
    _write_csv(("cast", "crew", "id"), people, folder / "credits.csv")


def _write_csv(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], path: Path) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    write_text(text.getvalue(), path)


def _text(value: object) -> str:
    return value.replace("\0", "") if isinstance(value, str) else ""


def _records(value: object) -> Iterator[Json]:
    """Yield the records of a list that have a name; whatever else is there is passed over."""
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict) and isinstance(each.get("english_name") or each.get("name"), str):
            yield each


def _names(value: object) -> str:
    """Return the names, in English where TMDB has that too, as it does of languages."""
    return json.dumps([{"name": each.get("english_name") or each["name"]} for each in _records(value)])


def _credits(movie: Json, part: str) -> Iterator[Json]:
    credits = movie.get("credits")
    return (
        each
        for each in _records(credits.get(part) if isinstance(credits, dict) else None)
        if each.get("name")
    )


def _cast(movie: Json) -> str:
    """Return the first of the cast, by the order that TMDB gives them."""
    numbered = [(each["order"] if isinstance(each.get("order"), int) else at, each["name"])
                for at, each in enumerate(_credits(movie, "cast"))]  # fmt: skip
    first = sorted(numbered, key=lambda pair: pair[0])[:MAX_CAST]
    return json.dumps([{"name": name, "order": order} for order, name in first])


def _crew(movie: Json) -> str:
    makers = [each for each in _credits(movie, "crew") if each.get("job") in CREW_JOBS]
    return json.dumps([{"job": each["job"], "name": each["name"]} for each in makers])
