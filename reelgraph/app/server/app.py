"""The page's server: movies, recommendations, import. It holds nobody's ratings and writes nothing."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.person import Rated
from reelgraph.app.cli.output import plain
from reelgraph.app.rating_imports.reading import match, parse_ratings
from reelgraph.runtime.errors import InputError, ReelgraphError

PAGE = Path(__file__).parent / "page"
FILES = {"/": ("index.html", "text/html"), "/style.css": ("style.css", "text/css"),
         "/app.js": ("app.js", "text/javascript")}  # fmt: skip
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LARGEST_QUESTION, LARGEST_FILE = 500_000, 5_000_000
"""Bytes."""
AT_ONCE = 2
"""Questions that are worked on at once; others wait."""
LEVELS = 50
"""Steps of a star in the scores of all movies."""


class Question(BaseModel):
    """What the page asks: ratings, and which movies to recommend."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    ratings: Annotated[list[tuple[int, float]], Field(max_length=10_000)]
    """movieId and stars, in the order given."""
    top: Annotated[int, Field(ge=1, le=100)] = 10
    genre: Annotated[str | None, Field(max_length=100)] = None
    since: Annotated[int | None, Field(ge=1800, le=2200)] = None
    unseen_by_many: bool = False
    diverse: bool = False


def create_app(bundle: Bundle, hosts: list[str]) -> Starlette:
    """Return the application.

    Args:
        bundle: what answers.
        hosts: names under which a browser may ask, against pages elsewhere that resolve to this machine.
    """
    limit = anyio.CapacityLimiter(AT_ONCE)
    bundle.ask([])  # so that what is made once is there before the first question
    movies = gzip.compress(json.dumps(movies_of(bundle), separators=(",", ":")).encode(), mtime=0)
    routes = [Route(path, partial(_file, name, kind)) for path, (name, kind) in FILES.items()]
    answers: dict[str, tuple[Callable[[bytes], Any], int]] = {
        "recommend": (partial(recommended, bundle), LARGEST_QUESTION),
        "import": (partial(imported, bundle), LARGEST_FILE),
    }
    for name, (answer, largest) in answers.items():
        routes.append(Route(f"/api/{name}", _answering(answer, largest, limit), methods=["POST"]))
    routes.append(Route("/api/movies", partial(_packed, movies)))
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)])


def movies_of(bundle: Bundle) -> dict[str, Any]:
    """Return what the page knows of all movies, by row."""
    library = bundle.library
    places = {axis: np.round(library.table[axis].to_numpy().astype(np.float64), 3).tolist() for axis in "xy"}
    return {"id": library.movie_ids.tolist(), "title": library.titles, "year": library.years,
            "genre": library.genres, "ratings": library.ratings.tolist(), **places,
            "rater": bundle.contents.config.rater.model.type}  # fmt: skip


def recommended(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Answer a question with recommendations, and what is predicted of every movie, for the map.

    Raises:
        InputError: it is no question, or names movies that there aren't.
    """
    try:
        asked = Question.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise InputError(where, "a question", first["msg"], "Reload the page.") from None
    rated = [Rated(bundle.row(movie), stars) for movie, stars in asked.ratings]
    marks = bundle.marks(asked.genre, asked.since, asked.unseen_by_many)
    said = bundle.ask(rated)
    found = bundle.ranked(said, marks, asked.top, asked.diverse)
    steps = np.rint(said.scores.said.stars * LEVELS).astype(np.uint8)
    return {"recommendations": plain(found), "scores": base64.b64encode(steps.tobytes()).decode()}


def imported(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Read a file of ratings; return its movies with stars, oldest first, and what wasn't found.

    Raises:
        InputError: it is no file of ratings.
    """
    matched = match(parse_ratings(body, "the file"), bundle.library, bundle.titles)
    ordered = sorted(matched.found, key=lambda each: each[0].time or 0)
    ids = bundle.library.movie_ids
    return {"site": matched.file.site, "scale": matched.file.scale, "rows": matched.file.rows,
            "ratings": [[int(ids[row]), given.stars] for given, row, _ in ordered],
            "not_matched": plain(matched.passed)}  # fmt: skip


def _answering(
    answer: Callable[[bytes], Any], largest: int, limit: anyio.CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        # A form of another site can't send this type without the browser asking first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/octet-stream":
            return _refused(415, "expected the type application/octet-stream")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > largest:
                return _refused(413, f"expected at most {largest:,} bytes")
        try:
            found = await anyio.to_thread.run_sync(answer, bytes(body), limiter=limit)
        except ReelgraphError as error:
            return _refused(422, str(error))
        return JSONResponse(found, headers=HEADERS)

    return respond


async def _file(name: str, kind: str, request: Request) -> Response:
    return Response((PAGE / name).read_bytes(), media_type=f"{kind}; charset=utf-8", headers=HEADERS)


async def _packed(movies: bytes, request: Request) -> Response:
    headers = {**HEADERS, "Content-Encoding": "gzip"}
    return Response(movies, media_type="application/json", headers=headers)


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status, headers=HEADERS)
