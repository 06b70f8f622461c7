"""The page's server as somebody starts it, and questions to it over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINARY = "application/octet-stream"


@contextmanager
def run_server(bundle: Path) -> Iterator[str]:
    """Start `reelgraph serve` on a free port; yield its address."""
    with start_server(bundle) as (url, _):
        yield url


@contextmanager
def start_server(bundle: Path) -> Iterator[tuple[str, int]]:
    """Start `reelgraph serve` on a free port; yield its address and the number of its process."""
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
    ]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=bundle.parent, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            while not lines or not lines[-1].startswith("}"):
                lines.append(process.stdout.readline())
                assert lines[-1], "the server ended"
            yield json.loads("".join(lines))["url"], process.pid
        finally:
            process.terminate()


def send_request(
    url: str, body: bytes | None = None, kind: str = BINARY, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers of an answer."""
    request = urllib.request.Request(
        url, body, {"Content-Type": kind, **headers} if body is not None else headers
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), {name.title(): each for name, each in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, error.read(), {name.title(): each for name, each in error.headers.items()}
