"""Headless Chromium for tests, or a skip that says what is missing."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

ARGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP_VIEWPORT = {"width": 1200, "height": 900}
PHONE_VIEWPORT = {"width": 360, "height": 740}


@dataclass(frozen=True)
class OpenPage:
    """A page, and what it has reported and requested so far."""

    page: Any
    messages: list[str]
    """Of its console, and its errors."""
    requested: list[str]
    """URLs."""


@contextmanager
def open_page(browser, url: str) -> Iterator[OpenPage]:
    """Open a page in a context of its own."""
    context = browser.new_context(viewport=DESKTOP_VIEWPORT)
    opened = OpenPage(context.new_page(), [], [])
    opened.page.on("console", lambda message: opened.messages.append(message.text))
    opened.page.on("pageerror", lambda error: opened.messages.append(str(error)))
    opened.page.on("request", lambda request: opened.requested.append(request.url))
    opened.page.goto(url)
    yield opened
    context.close()


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
