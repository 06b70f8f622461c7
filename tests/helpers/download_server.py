"""A server on this machine that answers as its table says, and notes what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, bytes, dict[str, str]]


class RequestLog:
    """What the server was asked: paths in order, and the last query and headers."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.query: dict[str, list[str]] = {}
        self.headers: dict[str, str] = {}

    def count(self, path: str) -> int:
        return self.paths.count(path)


@contextmanager
def serve_responses(answer: Callable[[str, RequestLog], Answer]) -> Iterator[tuple[str, RequestLog]]:
    """Serve; yield the address and what was asked."""
    asked, lock = RequestLog(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            with lock:
                asked.paths.append(parts.path)
                asked.query, asked.headers = parse_qs(parts.query), dict(self.headers)
                status, body, headers = answer(parts.path, asked)
            if status == 0:  # hangs up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
