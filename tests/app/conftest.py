"""The page in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers import bundle_samples
from tests.helpers.app_server import start_server
from tests.helpers.browser import DESKTOP_VIEWPORT, launch_chromium
from tests.helpers.download_server import serve_responses
from tests.helpers.poster_server import PosterApi


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    bundle = bundle_samples.write_planted_bundle(tmp_path_factory.mktemp("page"))
    with (
        serve_responses(PosterApi()) as (tmdb_url, _),
        start_server(bundle, "--posters", "--key", "k", "--tmdb-server", tmdb_url) as (url, _),
    ):
        yield url


@pytest.fixture
def page(browser, url: str) -> Iterator:
    """The page; at the end checks that it had no errors, no requests to other hosts and no stored data."""
    context = browser.new_context(viewport=DESKTOP_VIEWPORT)
    page = context.new_page()
    messages = []
    request_urls = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: request_urls.append(request.url))
    page.goto(url)
    page.locator("#recommendations li").first.wait_for()
    yield page
    stored = page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length")
    context.close()
    assert [text for text in messages if "422" not in text] == []
    assert all(request_url.startswith((url, "blob:", "data:")) for request_url in request_urls)
    assert stored == 0
