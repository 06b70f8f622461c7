"""The web page's server: addresses, files, endpoints; it stores nothing."""

from __future__ import annotations

import gzip
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reelgraph.app.bundle.model import Bundle
from reelgraph.app.download.posters import PosterClient
from reelgraph.app.server import handlers, limits
from reelgraph.app.server.limits import TimedProtocol, read_body
from reelgraph.runtime.errors import InputError, ReelgraphError

PAGE_FOLDER = Path(__file__).parent / "page"
PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/user_data.js": ("user_data.js", "text/javascript"),
    "/map.js": ("map.js", "text/javascript"),
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
Handler = Callable[[bytes, Mapping[str, str]], Any]
"""Returns the response to a request's body and query."""
LOCAL_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
MAX_REQUEST_BYTES = 500_000
MAX_SEARCH_BYTES = 1_000
MAX_UPLOAD_BYTES = 5_000_000
MAX_CONCURRENT_REQUESTS = 2
"""Number of requests of one kind that are computed at the same time; others wait."""
MAX_CONCURRENT_BODIES = 8
"""Number of bodies of one kind that are in memory while they are received; others wait."""
KEEP_ALIVE_S = 75
"""Seconds after which an idle connection is closed."""


def serve(
    bundle: Bundle,
    host: str,
    port: int,
    on_start: Callable[[str], None],
    posters: PosterClient | None = None,
) -> None:
    """Serve the page at ``host``:``port`` until Ctrl-C.

    Args:
        bundle: the model.
        host: address to listen on.
        port: port to listen on; 0 selects a free one.
        on_start: called with the page's URL.
        posters: fetches posters for the details of movies; None: no posters.

    Raises:
        InputError: the address is not available.
    """
    with _listen(host, port) as listener:
        address, bound_port = listener.getsockname()[:2]
        app = create_app(bundle, allowed_hosts(host, address), posters)
        on_start(f"http://{_bracket(host)}:{bound_port}/")
        uvicorn.Server(server_config(app)).run(sockets=[listener])


def server_config(app: Starlette) -> uvicorn.Config:
    """Return the configuration: no access log, for the users' privacy, and limits for slow clients."""
    return uvicorn.Config(
        app,
        http=TimedProtocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_S,
    )


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


def create_app(bundle: Bundle, hosts: list[str], posters: PosterClient | None = None) -> Starlette:
    """Return the ASGI application.

    Args:
        bundle: the model.
        hosts: accepted Host headers, which protects against DNS rebinding.
        posters: fetches posters; None: no posters.
    """
    bundle.score([])  # fills caches before the first request
    movies = gzip.compress(
        json.dumps(handlers.movies_payload(bundle), separators=(",", ":")).encode(), mtime=0
    )
    routes = [
        Route(path, partial(_page_file, name, media_type)) for path, (name, media_type) in PAGE_FILES.items()
    ]
    routes.append(Route("/api/movies", partial(_gzipped_json, movies)))
    post_handlers: dict[str, tuple[Handler, int]] = {
        "recommend": (lambda body, _: handlers.recommend(bundle, body), MAX_REQUEST_BYTES),
        "search": (lambda body, _: handlers.search(bundle, body), MAX_SEARCH_BYTES),
        "details": (lambda body, _: handlers.details(bundle, posters, body), MAX_SEARCH_BYTES),
        "poster": (lambda body, _: handlers.poster(bundle, posters, body), MAX_SEARCH_BYTES),
        "import": (lambda body, query: handlers.import_ratings(bundle, body, query), MAX_UPLOAD_BYTES),
    }
    for name, (handler, max_bytes) in post_handlers.items():
        # Each kind has its own limit: long imports do not delay recommendations.
        limiter = anyio.CapacityLimiter(MAX_CONCURRENT_REQUESTS)
        endpoint = _post_endpoint(handler, max_bytes, limiter)
        routes.append(Route(f"/api/{name}", endpoint, methods=["POST"]))
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts)])


def _post_endpoint(
    handler: Handler, max_bytes: int, limiter: anyio.CapacityLimiter
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that calls the handler with the request's body and query in a worker thread."""
    readers = anyio.CapacityLimiter(MAX_CONCURRENT_BODIES)

    async def endpoint(request: Request) -> Response:
        # A form on another site can't send this media type without a CORS preflight request.
        if request.headers.get("content-type", "").partition(";")[0] != "application/octet-stream":
            return _error_response(415, "expected the media type application/octet-stream")
        try:
            body = await read_body(request, max_bytes, readers)
            if body is None:
                return _error_response(413, f"expected at most {max_bytes:,} bytes")
            result = await anyio.to_thread.run_sync(handler, body, request.query_params, limiter=limiter)
        except TimeoutError:
            return _error_response(408, f"expected the request within {limits.BODY_TIMEOUT_S:g} seconds")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
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
