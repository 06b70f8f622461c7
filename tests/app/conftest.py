"""The page in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers import bundle_samples
from tests.helpers.app_server import start_server
from tests.helpers.browser import launch_chromium, open_page
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
    with open_page(browser, url) as opened:
        opened.page.locator("#recommendations li").first.wait_for()
        yield opened.page
        stored = opened.page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length")
    assert [text for text in opened.messages if "422" not in text] == []
    assert all(requested.startswith((url, "blob:", "data:")) for requested in opened.requested)
    assert stored == 0
