"""Running the page's server until it is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from reelgraph.app.bundle.model import Bundle
from reelgraph.app.server.app import create_app
from reelgraph.runtime.errors import InputError

KEPT_OPEN = 75
"""Seconds that a connection stays open while its person thinks."""
LOCAL = ["127.0.0.1", "localhost"]


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
        app = create_app(bundle, LOCAL if host in LOCAL else ["*"])
        shown = f"[{host}]" if ":" in host else host
        on_start(f"http://{shown}:{listener.getsockname()[1]}/")
        # No access log: nothing of what people do is kept.
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_keep_alive=KEPT_OPEN
        )
        uvicorn.Server(config).run(sockets=[listener])
