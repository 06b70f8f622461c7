"""The page's server: movies, recommendations, import. It holds nobody's ratings and writes nothing."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio
import numpy as np
import uvicorn
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.app.cli.context import to_jsonable
from reelgraph.app.rating_imports.ratings_file import match_ratings, parse_ratings_file
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
MAX_REQUEST_BYTES, MAX_UPLOAD_BYTES = 500_000, 5_000_000
"""Bytes."""
MAX_CONCURRENT_REQUESTS = 2
"""Questions that are worked on at once; others wait."""
SCORE_STEPS_PER_STAR = 50
"""Steps of a star in the scores of all movies."""


class RecommendRequest(BaseModel):
    """What the page asks: ratings, and which movies to recommend."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    ratings: Annotated[list[tuple[int, float]], Field(max_length=10_000)]
    """movieId and stars, in the order given."""
    top: Annotated[int, Field(ge=1, le=100)] = 10
    genre: Annotated[str | None, Field(max_length=100)] = None
    since: Annotated[int | None, Field(ge=1800, le=2200)] = None
    exclude_popular: bool = False
    diverse: bool = False


def create_app(bundle: Bundle, hosts: list[str]) -> Starlette:
    """Return the application.

    Args:
        bundle: what answers.
        hosts: names under which a browser may ask, against pages elsewhere that resolve to this machine.
    """
    limit = anyio.CapacityLimiter(MAX_CONCURRENT_REQUESTS)
    bundle.score([])  # so that what is made once is there before the first question
    movies = gzip.compress(json.dumps(movies_payload(bundle), separators=(",", ":")).encode(), mtime=0)
    routes = [Route(path, partial(_file, name, kind)) for path, (name, kind) in FILES.items()]
    answers: dict[str, tuple[Callable[[bytes], Any], int]] = {
        "recommend": (partial(recommend, bundle), MAX_REQUEST_BYTES),
        "import": (partial(import_ratings, bundle), MAX_UPLOAD_BYTES),
    }
    for name, (answer, largest) in answers.items():
        routes.append(Route(f"/api/{name}", _answering(answer, largest, limit), methods=["POST"]))
    routes.append(Route("/api/movies", partial(_packed, movies)))
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)])


def movies_payload(bundle: Bundle) -> dict[str, Any]:
    """Return what the page knows of all movies, by row."""
    library = bundle.library
    places = {axis: np.round(library.table[axis].to_numpy().astype(np.float64), 3).tolist() for axis in "xy"}
    return {"id": library.movie_ids.tolist(), "title": library.titles, "year": library.years,
            "genre": library.genres, "ratings": library.rating_counts.tolist(), **places,
            "rater": bundle.contents.config.rater.model.type}  # fmt: skip


def recommend(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Answer a question with recommendations, and what is predicted of every movie, for the map.

    Raises:
        InputError: it is no question, or names movies that there aren't.
    """
    try:
        asked = RecommendRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise InputError(where, "a question", first["msg"], "Reload the page.") from None
    rated = [UserRating(bundle.resolve(movie), stars) for movie, stars in asked.ratings]
    marks = bundle.candidate_mask(asked.genre, asked.since, asked.exclude_popular)
    said = bundle.score(rated)
    found = bundle.rank(said, marks, asked.top, asked.diverse)
    steps = np.rint(said.scores.prediction.stars * SCORE_STEPS_PER_STAR).astype(np.uint8)
    return {"recommendations": to_jsonable(found), "scores": base64.b64encode(steps.tobytes()).decode()}


def import_ratings(bundle: Bundle, body: bytes) -> dict[str, Any]:
    """Read a file of ratings; return its movies with stars, oldest first, and what wasn't found.

    Raises:
        InputError: it is no file of ratings.
    """
    matched = match_ratings(parse_ratings_file(body, "the file"), bundle.library, bundle.title_index)
    ordered = sorted(matched.matches, key=lambda each: each[0].time or 0)
    ids = bundle.library.movie_ids
    return {"site": matched.file.site, "scale": matched.file.scale, "rows": matched.file.rows,
            "ratings": [[int(ids[row]), given.stars] for given, row, _ in ordered],
            "not_matched": to_jsonable(matched.skipped)}  # fmt: skip


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


KEEP_ALIVE_S = 75
"""Seconds that a connection stays open while its person thinks."""
LOCAL_HOSTS = ["127.0.0.1", "localhost"]


def serve(bundle: Bundle, host: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serve the page at ``host``:``port`` until Ctrl-C; ``on_start`` is told its address.

    Raises:
        InputError: the address can't be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            raise InputError(f"--host {host} --port {port}", "an address to listen on", str(error),
                             "Name another port; 0 takes a free one.") from None  # fmt: skip
        listener.listen()
        app = create_app(bundle, LOCAL_HOSTS if host in LOCAL_HOSTS else ["*"])
        shown = f"[{host}]" if ":" in host else host
        on_start(f"http://{shown}:{listener.getsockname()[1]}/")
        # No access log: nothing of what people do is kept.
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=KEEP_ALIVE_S
        )
        uvicorn.Server(config).run(sockets=[listener])
