"""HTTP GET requests with a rate limit, and with retries by urllib3."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Retry
from urllib3.exceptions import HTTPError, MaxRetryError, ProtocolError, ReadTimeoutError
from urllib3.util import Url, make_headers, parse_url

from reelgraph.runtime.errors import ReelgraphError

R = TypeVar("R")

MAX_RETRIES = 5
TIMEOUT_S = 30.0
MAX_WAIT_S = 60
"""Maximum wait before a retry, also if the server's Retry-After header is longer."""
CHUNK_BYTES = 1 << 16
MAX_RESPONSE_BYTES = 20_000_000
"""Largest response that ``get`` reads, also after decompression."""
RETRY_STATUSES = (408, 425, 429, 500, 502, 503, 504)


class DownloadError(ReelgraphError):
    """A server can't be reached, or its response is not the expected one."""


class HttpClient:
    """A client of one server, which threads may share.

    Args:
        base_url: prefix of all paths.
        headers: sent with every request.
        query: appended to every request; not part of error messages, since it may contain a key.
        requests_per_second: maximum rate of all threads together.
        backoff_s: backoff factor, in seconds: retry n waits ``backoff_s`` · 2ⁿ⁻¹, the first retry not at all.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        query: str = "",
        requests_per_second: float = 20.0,
        backoff_s: float = 1.0,
    ) -> None:
        self.base_url = base_url
        self._query = query
        self._interval_s = 1 / requests_per_second
        self._next_request = 0.0
        self._lock = threading.Lock()
        self._pool = _make_pool(base_url, {"User-Agent": "reelgraph", **(headers or {})})
        self._retry = LenientRetry(
            MAX_RETRIES,
            status_forcelist=RETRY_STATUSES,
            backoff_factor=backoff_s,
            backoff_max=MAX_WAIT_S,
            retry_after_max=MAX_WAIT_S,
        )
        # Its warnings about retries would print the query.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

    def get(self, path: str, query: str = "") -> bytes | None:
        """Return the body of the response; None if the status is 404.

        Args:
            path: appended to the base URL.
            query: appended to the path, with the client's query.

        Raises:
            DownloadError: another status of 400 or above, no response after all retries, or one beyond 20 MB.
        """
        return self.stream(path, lambda response: _read_limited(response, self.base_url + path), query)

    def stream(self, path: str, consume: Callable[[BaseHTTPResponse], R], query: str = "") -> R | None:
        """Return the result of ``consume``, which reads the body in chunks; see ``get``.

        ``consume`` is called again with a new response if the connection breaks.
        """
        url = self.base_url + path
        retry = self._retry
        try:
            while True:
                try:
                    return self._consume(url, "&".join(filter(None, (query, self._query))), consume, retry)
                except (ProtocolError, ReadTimeoutError) as error:
                    retry = retry.increment("GET", url, error=error)
                    retry.sleep()
        except MaxRetryError as error:
            raise DownloadError(
                url, "a response", f"{error.reason} ({MAX_RETRIES + 1} attempts)", "Try again later."
            ) from None
        except HTTPError as error:
            raise DownloadError(url, "a response", type(error).__name__, "Check the URL.") from None

    def _consume(
        self, url: str, query: str, consume: Callable[[BaseHTTPResponse], R], retry: Retry
    ) -> R | None:
        self._wait_for_slot()
        address = f"{url}?{query}" if query else url
        with self._pool.request("GET", address, retries=retry, preload_content=False) as response:
            if response.status == 404:
                return None
            if response.status >= 400:
                remedy = "See the service's documentation: its API may have changed."
                if response.status in (401, 403):
                    remedy = "Check the key and its permissions."
                raise DownloadError(url, "a response", f"status {response.status}", remedy)
            return consume(response)

    def _wait_for_slot(self) -> None:
        """Wait until the rate limit allows the next request."""
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next_request)
            self._next_request = slot + self._interval_s
        time.sleep(slot - now)


class LenientRetry(Retry):
    """Takes a Retry-After header that is not valid as no header."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds to wait."""
        try:
            return float(super().parse_retry_after(retry_after))
        except (HTTPError, ValueError, OverflowError):
            return 0.0


def _read_limited(response: BaseHTTPResponse, url: str) -> bytes:
    body = bytearray()
    for chunk in response.stream(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_RESPONSE_BYTES:
            raise DownloadError(url, f"at most {MAX_RESPONSE_BYTES:,} bytes", "more", "Check the URL.")
    return bytes(body)


def _make_pool(base_url: str, headers: Mapping[str, str]) -> PoolManager:
    """Return a connection pool, through the proxy of the environment if there is one.

    Raises:
        DownloadError: the URL or that of the proxy is not one of HTTP.
    """
    options: dict[str, Any] = {"headers": headers, "timeout": TIMEOUT_S, "maxsize": 8}
    try:
        server = parse_url(base_url)
    except HTTPError:
        server = Url()
    if server.scheme not in ("http", "https") or not server.host:
        raise DownloadError(base_url, "the http or https URL of a server", "another text", "Check the URL.")
    proxy = getproxies().get(server.scheme)
    if proxy is None or proxy_bypass(server.netloc or ""):
        return PoolManager(**options)
    try:
        url = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        proxy_headers = make_headers(proxy_basic_auth=unquote(url.auth)) if url.auth else None
        return ProxyManager(url.url, proxy_headers=proxy_headers, **options)
    except HTTPError:
        variable = f"{server.scheme}_proxy"
        raise DownloadError(variable, "a proxy such as http://host:3128", "another URL",
                            f"Correct or unset {variable}.") from None  # fmt: skip
