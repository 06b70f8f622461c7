"""Download of movie metadata and credits from TMDB with the user's own key.

Responses are saved one by one, so that an interrupted download can continue. Then they are converted to
``movies_metadata.csv`` and ``credits.csv``, which the source ``movielens`` reads (param ``data.tmdb``).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from reelgraph.app.download.http import DownloadError, HttpClient
from reelgraph.runtime.atomic_io import write_text
from reelgraph.runtime.errors import InputError
from reelgraph.runtime.progress import progress
from reelgraph.sources.delimited import DelimitedFile
from reelgraph.sources.json_lists import WRITER_JOBS
from reelgraph.sources.movielens_files import LINK_TYPES, read_links

THREADS = 4
MAX_FOLDER_FILES = 1000
"""Files in a folder of saved responses: each atomic write lists its folder."""
KEY = re.compile(r"[\w.-]+", re.ASCII)
MAX_KEY_LENGTH = 40
"""Keys of TMDB's API version 3 are shorter, tokens of version 4 longer."""
TEXT_FIELDS = ("imdb_id", "original_title", "title", "tagline", "overview", "release_date")
LIST_FIELDS = ("genres", "production_companies", "production_countries", "spoken_languages")
CREW_JOBS = ("Director", *WRITER_JOBS)
MAX_CAST = 10
INVALID = "invalid response"
Json = dict[str, Any]


def make_client(key: str, server: str) -> HttpClient:
    """Return a client that authenticates with a key (in the query) or a token (in a header).

    Raises:
        InputError: the key is blank, or has characters that TMDB's keys do not have.
    """
    if not KEY.fullmatch(key):
        got = "other characters than letters, digits, dots and hyphens" if key else "none"
        remedy = "Get one at themoviedb.org: Settings, API."
        raise InputError("TMDB_API_KEY", "your key for TMDB's API", got, remedy)
    if len(key) > MAX_KEY_LENGTH:
        return HttpClient(server, headers={"Authorization": f"Bearer {key}"})
    return HttpClient(server, query=f"api_key={key}")


def download_movies(client: HttpClient, links: Path, folder: Path) -> dict[str, int]:
    """Download the movies in links.csv and write both CSV files.

    Args:
        client: client of TMDB.
        links: MovieLens' links.csv with movieId, imdbId, tmdbId.
        folder: output folder; its subfolder ``answers/`` has the saved responses.

    Returns:
        The number of movies by outcome.

    Raises:
        InputError: links.csv is missing or malformed.
        DownloadError: the server can't be reached, rejects the key, or has no readable response.
    """
    if not links.is_file():
        raise InputError(str(links), "MovieLens' links.csv", "no file", "Give its path by --links.")
    table = read_links(DelimitedFile(links, LINK_TYPES))
    ids = sorted({movie for movie in table["tmdbId"].to_pylist() if movie is not None})
    responses = folder / "answers"
    saved = _saved_responses(responses)
    remaining = [movie for movie in ids if str(movie) not in saved]
    counts = Counter(
        {"without an id": table["tmdbId"].null_count, "already downloaded": len(ids) - len(remaining)}
    )
    pool = ThreadPoolExecutor(THREADS)
    try:
        outcomes = pool.map(lambda movie: _download_movie(client, movie, responses), remaining)
        counts.update(progress(outcomes, "tmdb", len(remaining)))
    finally:
        pool.shutdown(cancel_futures=True)
    saved = _saved_responses(responses)
    paths = [saved[str(tmdb_id)] for tmdb_id in ids if str(tmdb_id) in saved]
    movies = [movie for path in paths if (movie := _read_response(path))]
    if remaining and counts[INVALID] == len(remaining):
        raise DownloadError(
            client.base_url, "movies as TMDB describes them", "other responses only", "Check --server."
        )
    _write_files(movies, folder)
    return {**counts, "movies written": len(movies)}


def _saved_responses(folder: Path) -> dict[str, Path]:
    """Return the file of each movie id."""
    return {path.stem: path for path in folder.rglob("*.json")}


def _download_movie(client: HttpClient, movie: int, folder: Path) -> str:
    """Download one movie and save the response; return the outcome."""
    path = folder / str(movie // MAX_FOLDER_FILES) / f"{movie}.json"
    body = client.get(f"/movie/{movie}", "append_to_response=credits")
    if body is None:
        write_text("{}\n", path)
        return "missing at TMDB"
    try:
        response = json.loads(body)
    except (ValueError, RecursionError):
        response = None
    if not isinstance(response, dict) or response.get("id") != movie:
        return INVALID
    write_text(json.dumps(response) + "\n", path)
    return "downloaded"


def _read_response(path: Path) -> Json | None:
    """Return a saved response; None if it is damaged, or TMDB has no such movie."""
    try:
        response = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return response if isinstance(response, dict) and "id" in response else None


def _write_files(movies: Iterable[Json], folder: Path) -> None:
    metadata = []
    credit_rows = []
    for movie in movies:
        texts = (_text(movie.get(name)) for name in TEXT_FIELDS)
        runtime = movie.get("runtime")
        minutes = str(runtime) if isinstance(runtime, int) else ""
        lists = (_names_json(movie.get(name)) for name in LIST_FIELDS)
        metadata.append((str(movie["id"]), *texts, minutes, *lists))
        credit_rows.append((_cast_json(movie), _crew_json(movie), str(movie["id"])))
    _write_csv(("id", *TEXT_FIELDS, "runtime", *LIST_FIELDS), metadata, folder / "movies_metadata.csv")
    _write_csv(("cast", "crew", "id"), credit_rows, folder / "credits.csv")


def _write_csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]], path: Path) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    write_text(text.getvalue(), path)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _named_objects(value: object) -> Iterator[Json]:
    """Yield the objects of a list that have a name; other items are skipped."""
    for item in value if isinstance(value, list) else []:
        if isinstance(item, dict) and isinstance(item.get("english_name") or item.get("name"), str):
            yield item


def _names_json(value: object) -> str:
    """Return the names as JSON; the English name where TMDB has one, as for languages."""
    return json.dumps([{"name": item.get("english_name") or item["name"]} for item in _named_objects(value)])


def _credits(movie: Json, part: str) -> Iterator[Json]:
    credits = movie.get("credits")
    people = _named_objects(credits.get(part) if isinstance(credits, dict) else None)
    return (person for person in people if person.get("name"))


def _cast_json(movie: Json) -> str:
    """Return the first members of the cast, in TMDB's order."""
    ordered = []
    for index, actor in enumerate(_credits(movie, "cast")):
        order = actor["order"] if isinstance(actor.get("order"), int) else index
        ordered.append((order, actor["name"]))
    ordered.sort(key=lambda pair: pair[0])
    return json.dumps([{"name": name, "order": order} for order, name in ordered[:MAX_CAST]])


def _crew_json(movie: Json) -> str:
    crew = [person for person in _credits(movie, "crew") if person.get("job") in CREW_JOBS]
    return json.dumps([{"job": person["job"], "name": person["name"]} for person in crew])
