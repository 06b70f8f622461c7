"""The web page's server: its files, the movies, recommendations and rating imports; it stores nothing."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
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

from reelgraph.app.bundle.filters import Filters
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating, order_ratings
from reelgraph.app.bundle.results import to_jsonable
from reelgraph.app.rating_imports.layouts import SCALES
from reelgraph.app.rating_imports.matching import match_ratings
from reelgraph.app.rating_imports.ratings_file import parse_ratings_file
from reelgraph.runtime.errors import InputError, ReelgraphError

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/app.js": ("app.js", "text/javascript"),
}
"""File and media type by URL path."""
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
MAX_REQUEST_BYTES = 500_000
MAX_SEARCH_BYTES = 1_000
MAX_SEARCH_RESULTS = 20
MAX_UPLOAD_BYTES = 5_000_000
MAX_CONCURRENT_REQUESTS = 2
"""Number of requests of one kind that are computed at the same time; others wait."""
KEEP_ALIVE_S = 75
"""Seconds after which an idle connection is closed."""
SCORE_STEPS_PER_STAR = 50
"""Resolution of the scores that the map shows."""
Handler = Callable[[bytes, Mapping[str, str]], Any]
"""Returns the response to a request's body and query."""


class RecommendRequest(BaseModel):
    """Body of a request for recommendations."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    ratings: Annotated[list[tuple[int, float, int | None]], Field(max_length=10_000)]
    """movieId, stars, and the Unix time in seconds or null."""
    top: Annotated[int, Field(ge=1, le=100)] = 10
    filters: Filters = Filters()
    diverse: bool = False


def serve(bundle: Bundle, host: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serve the page at ``host``:``port`` until Ctrl-C.

    Args:
        bundle: the model.
        host: address to listen on.
        port: port to listen on; 0 selects a free one.
        on_start: called with the page's URL.

    Raises:
        InputError: the address is not available.
    """
    with _listen(host, port) as listener:
        address, bound_port = listener.getsockname()[:2]
        app = create_app(bundle, allowed_hosts(host, address))
        on_start(f"http://{_bracket(host)}:{bound_port}/")
        # No access log, for the users' privacy.
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=KEEP_ALIVE_S
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        InputError: the address is not available.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen()
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(
            f"--host {host} --port {port}",
            "an available address",
            str(error),
            "Choose another port; 0 selects a free one.",
        ) from None
    return listener


def allowed_hosts(host: str, address: str) -> list[str]:
    """Return the Host headers to accept.

    On a loopback address, other names are rejected, which protects against DNS rebinding. On other addresses
    the server may have any name.

    Args:
        host: the host as given.
        address: the IP address that it stands for.
    """
    ip = ipaddress.ip_address(address)
    if (getattr(ip, "ipv4_mapped", None) or ip).is_loopback:
        return list(dict.fromkeys([*LOCAL_HOSTS, _bracket(host), _bracket(address)]))
    return ["*"]


def _bracket(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def create_app(bundle: Bundle, hosts: list[str]) -> Starlette:
    """Return the ASGI application.

    Args:
        bundle: the model.
        hosts: accepted Host headers, which protects against DNS rebinding.
    """
    bundle.score([])  # fills caches before the first request
    movies = gzip.compress(json.dumps(movies_payload(bundle), separators=(",", ":")).encode(), mtime=0)
    routes = [
        Route(path, partial(_page_file, name, media_type)) for path, (name, media_type) in PAGE_FILES.items()
    ]
    routes.append(Route("/api/movies", partial(_gzipped_json, movies)))
    handlers: dict[str, tuple[Handler, int]] = {
        "recommend": (partial(recommend, bundle), MAX_REQUEST_BYTES),
        "search": (partial(search, bundle), MAX_SEARCH_BYTES),
        "import": (partial(import_ratings, bundle), MAX_UPLOAD_BYTES),
    }
    for name, (handler, max_bytes) in handlers.items():
        # Each kind has its own limit: long imports do not delay recommendations.
        limiter = anyio.CapacityLimiter(MAX_CONCURRENT_REQUESTS)
        endpoint = _post_endpoint(handler, max_bytes, limiter)
        routes.append(Route(f"/api/{name}", endpoint, methods=["POST"]))
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)])


def movies_payload(bundle: Bundle) -> dict[str, Any]:
    """Return ids, titles, years, genres, numbers of ratings and map coordinates of all movies."""
    catalog = bundle.catalog
    coordinates = {
        axis: np.round(catalog.table[axis].to_numpy().astype(np.float64), 3).tolist() for axis in "xy"
    }
    return {
        "id": catalog.movie_ids.tolist(),
        "title": catalog.titles,
        "year": catalog.years,
        "genres": catalog.genre_lists,
        "ratings": catalog.rating_counts.tolist(),
        **coordinates,
    }


def recommend(bundle: Bundle, body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """Return recommendations, and the predicted stars of all movies for the map.

    Args:
        bundle: the model.
        body: a ``RecommendRequest`` as JSON.
        query: of the URL; not used.

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
    mask, reason_for_none = bundle.candidates(request.filters, [rating.row for rating in ratings])
    scored = bundle.score(ratings)
    movies = bundle.rank(scored, mask, request.top, request.diverse)
    steps = np.rint(scored.scores.prediction.stars * SCORE_STEPS_PER_STAR).astype(np.uint8)
    return {
        "recommendations": to_jsonable(movies),
        "user": to_jsonable(scored.scores.user),
        "reason_for_none": reason_for_none,
        "scores": base64.b64encode(steps.tobytes()).decode(),
    }


def search(bundle: Bundle, body: bytes, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the ids of the movies that fit a title best, as the command line finds them.

    Args:
        bundle: the model.
        body: the title, or words of it, in UTF-8.
        query: of the URL; not used.
    """
    hits = bundle.title_search.search(body.decode("utf-8", "replace"), MAX_SEARCH_RESULTS)
    return {"movies": [int(bundle.catalog.movie_ids[hit.row]) for hit in hits]}


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
    file = parse_ratings_file(body, "the file", int(scale) if scale else None)
    matched = match_ratings(file, bundle.catalog, bundle.title_index)
    movie_ids = bundle.catalog.movie_ids
    ratings = [(int(movie_ids[rating.row]), rating.stars, rating.time) for rating in matched.history]
    return {
        "site": matched.file.site,
        "scale": matched.file.scale,
        "rows": matched.file.rows,
        "notes": [*matched.file.notes, *matched.file.warnings],
        "ratings": [ratings[index] for index in order_ratings(matched.history)],
        "skipped": to_jsonable(matched.skipped),
    }


def _post_endpoint(
    handler: Handler, max_bytes: int, limiter: anyio.CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that calls the handler with the request's body and query in a worker thread."""

    async def endpoint(request: Request) -> Response:
        # A form on another site can't send this media type without a CORS preflight request.
        if request.headers.get("content-type", "").partition(";")[0] != "application/octet-stream":
            return _error_response(415, "expected the media type application/octet-stream")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > max_bytes:
                return _error_response(413, f"expected at most {max_bytes:,} bytes")
        try:
            result = await anyio.to_thread.run_sync(
                handler, bytes(body), request.query_params, limiter=limiter
            )
        except ReelgraphError as error:
            return _error_response(422, str(error))
        return JSONResponse(result, headers=SECURITY_HEADERS)

    return endpoint


async def _page_file(name: str, media_type: str, request: Request) -> Response:
    content = (PAGE_FOLDER / name).read_bytes()
    return Response(content, media_type=f"{media_type}; charset=utf-8", headers=SECURITY_HEADERS)


async def _gzipped_json(content: bytes, request: Request) -> Response:
    headers = {**SECURITY_HEADERS, "Content-Encoding": "gzip"}
    return Response(content, media_type="application/json", headers=headers)


def _error_response(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status, headers=SECURITY_HEADERS)
