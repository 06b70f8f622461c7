"""Asking a server over HTTP: at a bounded rate, again when it is busy or broken, never for ever."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TypeVar

from reelgraph.runtime.errors import ReelgraphError

R = TypeVar("R")

TRIES, TIMEOUT = 6, 30.0
LONGEST_WAIT = 60.0
"""Seconds, whatever the server asks for."""
BUSY = (408, 425, 429, 500, 502, 503, 504)


class DownloadError(ReelgraphError):
    """A server can't be reached, or doesn't give what it should."""


@dataclass
class HttpClient:
    """One server."""

    base_url: str
    """Address that paths are appended to."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every question; never part of a message."""
    requests_per_second: float = 20.0
    """Questions a second at most, by all threads together."""
    backoff_s: float = 1.0
    """Seconds before the second try; each wait is twice the one before, unless the server says how long."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: float = 0.0

    def get(self, path: str, query: str = "") -> bytes | None:
        """Return what lies at a path; None where the server has nothing there (404).

        Args:
            path: after the base; named in messages.
            query: after the path; not named, since it may hold a key.

        Raises:
            FetchError: refused, or still busy or broken after six tries.
        """
        return self.read(path, lambda answer: answer.read(), query)

    def read(self, path: str, take: Callable[[http.client.HTTPResponse], R], query: str = "") -> R | None:
        """Return what ``take`` makes of an answer, which it may read in parts; see ``get``."""
        problem, wait = "", None
        for attempt in range(TRIES):
            self._wait_turn()
            try:
                with self._asked(path, query) as answer:
                    return take(answer)
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == 404:
                    return None
                problem = f"status {error.code}"
                if error.code not in BUSY:
                    raise DownloadError(
                        self.base_url + path, "an answer", problem, _remedy(error.code)
                    ) from None
                wait = _asked_wait(error.headers)
            except (OSError, http.client.HTTPException) as error:
                problem, wait = str(getattr(error, "reason", error)) or type(error).__name__, None
            if attempt < TRIES - 1:
                time.sleep(min(LONGEST_WAIT, self.backoff_s * 2**attempt if wait is None else wait))
        raise DownloadError(self.base_url + path, "an answer", f"{problem}, {TRIES} times",
                         "Try again later: what was fetched is kept.")  # fmt: skip

    def _asked(self, path: str, query: str) -> http.client.HTTPResponse:
        address = self.base_url + path + (f"?{query}" if query else "")
        request = urllib.request.Request(address, headers={"User-Agent": "reelgraph", **self.headers})
        return urllib.request.urlopen(request, timeout=TIMEOUT)

    def _wait_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / self.requests_per_second
        time.sleep(turn - now)


def _asked_wait(headers: Message | None) -> float | None:
    text = (headers.get("Retry-After") or "") if headers is not None else ""
    return float(text) if text.isdigit() else None


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "Check the key, and that the service allows it."
    return "The service may have changed: see its documentation."
