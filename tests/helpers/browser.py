"""Headless Chromium for tests, or a skip that says what is missing."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ARGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP_VIEWPORT = {"width": 1200, "height": 900}
PHONE_VIEWPORT = {"width": 360, "height": 740}


@contextmanager
def launch_chromium() -> Iterator:
    """Start Chromium; skip where it, or its client, isn't installed."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None or importlib.util.find_spec("playwright") is None:
        pytest.skip("browser tests need chromium and the package playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=executable, args=list(ARGS))
        yield started
        started.close()
