"""Limits for slow clients: time for a request's head and for its body, and bodies in memory."""

from __future__ import annotations

import asyncio

import anyio
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT_S = 20.0
"""Seconds from the connection, or from the first byte of a later request, to the end of the head."""
BODY_TIMEOUT_S = 60.0
"""Seconds in which a body is received, once its turn has come."""


class TimedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose request has no complete head in time."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first request."""
        super().connection_made(transport)
        self._start_head_timer()

    def data_received(self, data: bytes) -> None:
        """Stop the timer once the head is complete; start that of a later request if its head is not."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_head_timer()
        elif self._head_timer is None:
            self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        super().connection_lost(exc)
        self._stop_head_timer()

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


async def read_body(request: Request, max_bytes: int, readers: anyio.CapacityLimiter) -> bytes | None:
    """Return the body of a request; None if it has more bytes.

    Args:
        request: the request.
        max_bytes: maximum size of the body.
        readers: limits how many bodies are received at a time.

    Raises:
        TimeoutError: the body was not received in time.
        ClientDisconnect: the client stopped.
    """
    body = bytearray()
    async with readers:
        with anyio.fail_after(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    return None
    return bytes(body)
