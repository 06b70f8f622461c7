"""What the endpoints of the page's server return: movies, recommendations, searches, imports."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reelgraph.app.bundle.filters import Filters
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.movie_lookup import read_movie_id
from reelgraph.app.bundle.new_user import UserRating, order_ratings
from reelgraph.app.bundle.profile import taste_profile
from reelgraph.app.download.posters import PosterClient
from reelgraph.app.rating_imports.archives import WATCHED_FILES, WATCHLIST_FILES
from reelgraph.app.rating_imports.layouts import SCALES
from reelgraph.app.rating_imports.matching import find_listed_movies, match_ratings
from reelgraph.app.rating_imports.movie_lists import parse_archive_lists
from reelgraph.app.rating_imports.ratings_file import parse_ratings_file
from reelgraph.app.rating_imports.scales import SCALES_IN_WORDS
from reelgraph.core.schemas.columns import ACTOR_COLUMNS
from reelgraph.runtime.errors import InputError

MAX_SEARCH_RESULTS = 20
SCORE_STEPS_PER_STAR = 50
"""Resolution of the scores that the map shows."""
PAGE_SCALE_HINT = f'State the scale: choose {SCALES_IN_WORDS} as "Highest rating", then the file again.'
"""How a user of the page states the scale of a file."""
MovieIds = Annotated[list[int], Field(max_length=20_000)]


class RecommendRequest(BaseModel):
    """Body of a request for recommendations."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    ratings: Annotated[list[tuple[int, float, int | None]], Field(max_length=10_000)]
    """movieId, stars, and the Unix time in seconds or null."""
    top: Annotated[int, Field(ge=1, le=100)] = 10
    filters: Filters = Filters()
    without: MovieIds = []
    """movieIds of movies that are not recommended, such as watched ones."""
    only: MovieIds | None = None
    """movieIds to choose from; null: all movies."""
    diverse: bool = False


def movies_payload(bundle: Bundle) -> dict[str, Any]:
    """Return ids, titles, years, runtimes, genres, numbers of ratings and map coordinates of all movies.

    ``source_id`` has the ids of the data source where these are text, else null.
    """
    catalog = bundle.catalog
    coordinates = {
        axis: np.round(catalog.table[axis].to_numpy().astype(np.float64), 3).tolist() for axis in "xy"
    }
    return {
        "id": catalog.movie_ids.tolist(),
        "source_id": catalog.source_ids,
        "title": catalog.titles,
        "year": catalog.years,
        "runtime": catalog.table["runtime_minutes"].to_pylist(),
        "genres": catalog.genre_lists,
        "ratings": catalog.rating_counts.tolist(),
        **coordinates,
    }


def recommend(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Return recommendations, and the predicted stars of all movies for the map.

    Args:
        bundle: the model.
        body: a ``RecommendRequest`` as JSON.

    Raises:
        InputError: the request is invalid, or a movie is unknown.
    """
    try:
        request = RecommendRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "body"
        raise InputError(field, "a valid request", first["msg"], "Reload the page.") from None
    ratings = [UserRating(bundle.resolve(movie), stars, time) for movie, stars, time in request.ratings]
    excluded = [rating.row for rating in ratings] + [bundle.resolve(movie) for movie in request.without]
    only = None if request.only is None else [bundle.resolve(movie) for movie in request.only]
    mask, reason_for_none = bundle.candidates(request.filters, excluded, only)
    scored = bundle.score(ratings)
    movies = bundle.rank(scored, mask, request.top, request.diverse)
    steps = np.rint(scored.scores.prediction.stars * SCORE_STEPS_PER_STAR).astype(np.uint8)
    return {
        "recommendations": [asdict(movie) for movie in movies],
        "user": scored.user and asdict(scored.user),
        "profile": asdict(taste_profile(bundle, ratings)),
        "reason_for_none": reason_for_none,
        "scores": base64.b64encode(steps.tobytes()).decode(),
    }


def search(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Return the ids of the movies that fit a title best, as the command line finds them.

    Args:
        bundle: the model.
        body: the title, or words of it, in UTF-8; or a movieId, such as ``movieId 6``.
    """
    query = body.decode("utf-8", "replace")
    movie_id = read_movie_id(query, bundle.title_search)
    if movie_id is None:
        rows = [hit.row for hit in bundle.title_search.search(query, MAX_SEARCH_RESULTS)]
    else:
        row = bundle.catalog.find_row(movie_id)
        rows = [] if row is None else [row]
    return {"movies": bundle.catalog.movie_ids[rows].tolist()}


def details(bundle: Bundle, posters: PosterClient | None, body: bytes) -> dict[str, Any]:
    """Return what the page shows of one movie on request: texts, people, and links that it opens by click.

    Args:
        bundle: the model.
        posters: fetches posters; None: no posters.
        body: the movieId.

    Raises:
        InputError: the movie is unknown.
    """
    movie = _requested_movie(bundle, body)
    links = {}
    if movie["imdb_id"] is not None:
        links["IMDb"] = f"https://www.imdb.com/title/tt{movie['imdb_id']:07d}/"
    if movie["tmdb_id"] is not None:
        links["TMDB"] = f"https://www.themoviedb.org/movie/{movie['tmdb_id']}"
    return {
        "overview": movie["overview"],
        "tagline": movie["tagline"],
        "director": movie["director_1"],
        "cast": [movie[name] for name in ACTOR_COLUMNS if movie[name]],
        "links": links,
        "has_poster": posters is not None and movie["tmdb_id"] is not None,
    }


def poster(bundle: Bundle, posters: PosterClient | None, body: bytes) -> dict[str, Any]:
    """Return a movie's poster as a data URL; null without posters, or if TMDB has none.

    Args:
        bundle: the model.
        posters: fetches posters.
        body: the movieId.

    Raises:
        InputError: the movie is unknown.
        DownloadError: the poster can't be fetched.
    """
    movie = _requested_movie(bundle, body)
    image = None if posters is None or movie["tmdb_id"] is None else posters.fetch(movie["tmdb_id"])
    return {"image": image and f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"}


def import_ratings(bundle: Bundle, body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the matched ratings of a rating export, oldest first, and the skipped rows.

    Args:
        bundle: the model.
        body: the file.
        query: may have ``scale``, the highest rating of the file.

    Raises:
        InputError: the file is not a rating export, or the scale is none of ``SCALES``.
    """
    scale = query.get("scale") or None
    if scale is not None and scale not in map(str, SCALES):
        raise InputError(
            "scale", f"one of {', '.join(map(str, SCALES))}", ascii(scale[:20]), "Choose a scale."
        )
    file = parse_ratings_file(body, "the file", int(scale) if scale else None, PAGE_SCALE_HINT)
    matched = match_ratings(file, bundle.catalog, bundle.title_index)
    movie_ids = bundle.catalog.movie_ids
    ratings = [(int(movie_ids[rating.row]), rating.stars, rating.time) for rating in matched.history]
    return {
        "site": matched.file.site,
        "scale": matched.file.scale,
        "rows": matched.file.rows,
        "notes": [*matched.file.notes, *matched.file.warnings],
        "ratings": [ratings[index] for index in order_ratings(matched.history)],
        "skipped": [asdict(row) for row in matched.skipped],
        "watched": _listed_ids(bundle, body, WATCHED_FILES),
        "watchlist": _listed_ids(bundle, body, WATCHLIST_FILES),
    }


def _listed_ids(bundle: Bundle, body: bytes, members: Sequence[str]) -> list[int]:
    """Return the ids of the movies that some files of an archive list."""
    movies = parse_archive_lists(body, "the file", members)
    rows = find_listed_movies(movies, bundle.catalog, bundle.title_index)
    return sorted(int(bundle.catalog.movie_ids[row]) for row in rows)


def _requested_movie(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Return the catalogue's row of a movieId."""
    text = body.decode("ascii", "replace")
    row = bundle.resolve(int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else text)
    movie: dict[str, Any] = bundle.catalog.table.slice(row, 1).to_pylist()[0]
    return movie
