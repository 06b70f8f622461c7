"""Starts the page's server in its own process, and sends it requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINARY = "application/octet-stream"


@contextmanager
def run_server(bundle: Path) -> Iterator[str]:
    """Start `reelgraph serve` on a free port; yield its URL."""
    with start_server(bundle) as (url, _):
        yield url


@contextmanager
def start_server(bundle: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Start `reelgraph serve` with options on a free port; yield its URL and its process id."""
    command = [
        sys.executable,
        "-m",
        "reelgraph.app.cli.main",
        "serve",
        "--bundle",
        str(bundle),
        "--port",
        "0",
        "--json",
        *options,
    ]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=bundle.parent, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            while not lines or not lines[-1].startswith("}"):
                lines.append(process.stdout.readline())
                assert lines[-1], "the server stopped"
            yield json.loads("".join(lines))["url"], process.pid
        finally:
            process.terminate()


def send_request(
    url: str, body: bytes | None = None, media_type: str = BINARY, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers of the response."""
    request = urllib.request.Request(
        url, body, {"Content-Type": media_type, **headers} if body is not None else headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read(), _title_case(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), _title_case(error.headers)


def _title_case(headers: Message) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}
