"""A local HTTP server with scripted responses, which logs its requests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Response = tuple[int, bytes, dict[str, str]]


class RequestLog:
    """The requests: all paths in order, and query and headers of the last one."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.query: dict[str, list[str]] = {}
        self.headers: dict[str, str] = {}

    def count(self, path: str) -> int:
        return self.paths.count(path)


@contextmanager
def serve_responses(respond: Callable[[str, RequestLog], Response]) -> Iterator[tuple[str, RequestLog]]:
    """Serve the responses that ``respond`` returns by path; yield the URL and the log.

    Status 0 closes the connection without a response.
    """
    log = RequestLog()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            with lock:
                log.paths.append(parts.path)
                log.query = parse_qs(parts.query)
                log.headers = dict(self.headers)
                status, body, headers = respond(parts.path, log)
            if status == 0:
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
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", log
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
