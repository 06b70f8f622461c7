"""The page in a browser: search, ratings, recommendations, import, export, keyboard, phone, accessibility."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from reelgraph.app.bundle.filters import Filters, apply_filters
from reelgraph.app.rating_imports.ratings_file import read_ratings_file
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers import bundle_samples
from tests.helpers.app_server import start_server
from tests.helpers.browser import DESKTOP_VIEWPORT, PHONE_VIEWPORT, launch_chromium
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


def search(page, query: str) -> None:
    page.get_by_label("Find a movie").fill(query)
    wait_until(page, f"document.getElementById('results').dataset.query === {json.dumps(query)}")


def rate(page, title: str, keys: str) -> None:
    search(page, title)
    slider = page.locator("#results [role=slider]").first
    slider.focus()
    page.keyboard.press(keys)


def wait_until(page, condition: str) -> None:
    """Wait until a condition is true; the page's content policy forbids Playwright's own function."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def wait_for_recommendations(page, count: int) -> list[str]:
    """Wait for the recommendations for this number of ratings; return their titles."""
    noun = "rating" if count == 1 else "ratings"
    wait_until(page, f"document.getElementById('state').textContent.includes('your {count} {noun}')")
    return page.locator("#recommendations b").all_text_contents()


def test_page_updates_recommendations_with_likely_stars_and_reasons(page) -> None:
    before = page.locator("#recommendations b").all_text_contents()
    for movie, keys in ((20, "5"), (21, "1"), (22, "5"), (23, "1")):
        rate(page, f"generated {movie}", keys)
    after = wait_for_recommendations(page, 4)
    assert len(after) == 10
    assert after != before
    assert not set(after) & {f"Generated {movie}" for movie in (20, 21, 22, 23)}
    first = page.locator("#recommendations li").first
    assert "80 % likely" in first.locator(".prediction").text_content()
    assert first.locator(".prediction rect").count() == 1
    reasons = page.locator("#recommendations .reason").all_text_contents()
    assert any("you rated" in reason for reason in reasons)
    pattern = r"People who watched Generated 2\d \(\d+\)( and Generated 2\d \(\d+\))? also watch it\."
    assert any(re.fullmatch(pattern, reason) for reason in reasons)
    assert page.locator("#ratings li").count() == 4


def test_search_ignores_case_accents_and_ampersands(page) -> None:
    for query, title in (
        ("spirited", "Spirited Away"),
        ("AMÉLIE", "Amelie"),
        ("fast and f", "Fast & Furious"),
    ):
        search(page, query)
        assert page.locator("#results b").first.text_content() == title
    search(page, "zzz")
    assert page.locator("#result-count").text_content() == "0 found"


def test_star_slider_rates_in_half_stars_and_the_button_removes_the_rating(page) -> None:
    search(page, "spirited")
    slider = page.locator("#results [role=slider]").first
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] * 0.68, "y": box["height"] / 2})
    assert page.locator("#ratings [role=slider]").get_attribute("aria-valuetext") == "3.5 stars"
    wait_for_recommendations(page, 1)
    page.get_by_label("Remove your rating of Spirited Away (2001)").click()
    assert page.locator("#ratings li").count() == 0
    assert slider.get_attribute("aria-valuetext") == "not rated"
    wait_until(page, "document.getElementById('state').textContent.startsWith('Highest predictions')")


def test_page_works_by_keyboard(page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("spirited")
    wait_until(page, "document.getElementById('results').dataset.query === 'spirited'")
    page.keyboard.press("Tab")
    for key, value in (
        ("4", "4 stars"),
        ("ArrowRight", "4.5 stars"),
        ("End", "5 stars"),
        ("Home", "0.5 stars"),
    ):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('aria-valuetext')") == value
    wait_for_recommendations(page, 1)
    page.keyboard.press("Delete")
    assert page.locator("#ratings li").count() == 0
    focused = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        focused.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('role')"))
    assert {"file", "genre", "since", "exclude-popular", "diverse", "slider"} <= focused


def test_recommendations_are_reached_within_ten_stops_and_on_the_first_phone_screen(
    browser, url: str
) -> None:
    context = browser.new_context(viewport=PHONE_VIEWPORT)
    page = context.new_page()
    page.goto(url)
    page.locator("#recommendations li").first.wait_for()
    assert page.locator("#recommendations li").first.bounding_box()["y"] < PHONE_VIEWPORT["height"] - 40
    stops = 0
    while not page.evaluate("document.activeElement.closest('#recommendations') !== null"):
        page.keyboard.press("Tab")
        stops += 1
        assert stops <= 10
    context.close()


def test_filters_select_genre_year_and_runtime(page) -> None:
    rate(page, "spirited", "5")
    wait_for_recommendations(page, 1)
    page.get_by_label("Genre").select_option("Drama")
    page.get_by_label("Since").fill("1970")
    page.get_by_label("Since").press("Enter")
    page.get_by_label("Minutes at most").fill("110")
    page.get_by_label("exclude popular").check()
    page.get_by_label("diverse").check()
    wait_until(
        page,
        "[...document.querySelectorAll('#recommendations small')].every((e) => /^(19[7-9]|20).*, .*Drama/.test(e.textContent))",
    )
    filters = Filters(genres=("Drama",), since=1970, max_runtime=110, exclude_popular=True)
    unrated = np.arange(40) > 0
    candidates, _ = apply_filters(bundle_samples.sample_catalog(40), filters, unrated)
    assert page.locator("#recommendations li").count() == candidates.sum()


def test_import_file_shows_matched_and_skipped_rows(page) -> None:
    transfer = page.evaluate_handle(
        """(text) => { const data = new DataTransfer();
        data.items.add(new File([text], "ratings.csv", {type: "text/csv"})); return data; }""", LETTERBOXD)  # fmt: skip
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    assert "over" in page.locator("#drop").get_attribute("class")
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    wait_for_recommendations(page, 3)
    paragraphs = page.locator("#imported > p").all_text_contents()
    assert paragraphs[0] == "Letterboxd: 3 of 7 rows matched."
    assert paragraphs[1].startswith("Ratings are on a scale to 5. 7 of 7 rows have a date")
    page.locator("#imported summary").click()
    assert "Chernobyl (2019): no such title" in page.locator("#imported details").text_content()


def test_import_file_offers_the_movies_of_an_ambiguous_title(page, tmp_path: Path) -> None:
    (tmp_path / "same.csv").write_text("title,year,rating\nSame Name,2010,4\nHeat,1995,5\n")
    page.locator("#file").set_input_files(tmp_path / "same.csv")
    wait_for_recommendations(page, 1)
    choice = page.get_by_label("The movie of line 2: Same Name (2010)")
    options = choice.locator("option").all_text_contents()
    assert options[1:] == [
        "Same Name (2010), Drama, 13 ratings",
        "Same Name (2010), Crime, 14 ratings",
    ]
    choice.select_option(index=2)
    wait_for_recommendations(page, 2)
    choice.select_option(index=0)
    wait_for_recommendations(page, 1)


def test_import_file_takes_a_stated_scale(page, tmp_path: Path) -> None:
    (tmp_path / "ten.csv").write_text("title,year,rating\nHeat,1995,4.5\nAmelie,2001,9\n")
    page.locator("#file").set_input_files(tmp_path / "ten.csv")
    page.locator("#imported .error").wait_for()
    assert "State the scale" in page.locator("#imported .error").text_content()
    page.get_by_label("Highest rating").select_option("10")
    page.locator("#file").set_input_files(tmp_path / "ten.csv")
    wait_for_recommendations(page, 2)
    values = page.locator("#ratings [role=slider]").evaluate_all("all => all.map((e) => e.ariaValueText)")
    assert sorted(values) == ["2.5 stars", "4.5 stars"]


def test_ratings_list_scrolls_if_it_is_long(page, tmp_path: Path) -> None:
    rows = [f"2020-01-01,Generated {index},{1950 + index},,3\n" for index in range(20)]
    (tmp_path / "many.csv").write_text("Date,Name,Year,Letterboxd URI,Rating\n" + "".join(rows))
    page.locator("#file").set_input_files(tmp_path / "many.csv")
    wait_for_recommendations(page, 20)
    assert page.locator("#ratings li").count() == 20
    assert page.evaluate("document.getElementById('ratings').clientHeight") <= 640
    last = page.locator("#ratings li [role=slider]").last
    last.focus()
    assert last.evaluate(
        "e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; }"
    )


def test_import_file_shows_an_error_and_keeps_the_ratings(page, tmp_path: Path) -> None:
    rate(page, "spirited", "5")
    wait_for_recommendations(page, 1)
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    page.locator("#file").set_input_files(tmp_path / "picture.csv")
    page.locator("#imported .error").wait_for()
    assert page.locator("#ratings li").count() == 1


def test_export_ratings_writes_a_file_that_can_be_imported(page, tmp_path: Path) -> None:
    rate(page, "(500) days", "4")
    rate(page, "rocky", "2")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "ratings.csv")
    ratings = read_ratings_file(tmp_path / "ratings.csv").ratings
    assert [(rating.title, rating.year, rating.stars) for rating in ratings] == [
        ("(500) Days of Summer", 2009, 4.0),
        ("Rocky II", 1979, 2.0),
    ]


def test_page_imports_a_file_and_searches_what_was_given_before_the_movies_came(
    browser, url: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport=DESKTOP_VIEWPORT)
    page = context.new_page()
    held_requests = []
    page.route("**/api/movies", lambda route: held_requests.append(route))
    page.goto(url)
    (tmp_path / "me.csv").write_text("title,year,rating\nHeat,1995,4\nAmelie,2001,2\n")
    page.locator("#file").set_input_files(tmp_path / "me.csv")
    page.get_by_label("Find a movie").fill("spirited")
    page.get_by_text("Matching the movies of me.csv").wait_for()
    assert page.locator("#recommendations li").count() == 0
    held_requests[0].continue_()
    wait_for_recommendations(page, 2)
    wait_until(page, "document.getElementById('results').dataset.query === 'spirited'")
    assert page.locator("#results b").all_text_contents() == ["Spirited Away"]
    context.close()


def test_page_keeps_ratings_on_request_and_undoes(browser, url: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport=DESKTOP_VIEWPORT)
    page = context.new_page()
    page.goto(url)
    (tmp_path / "me.csv").write_text(
        "Date,Name,Year,Letterboxd URI,Rating\n2021-03-04,Heat,1995,u,4\n,Amelie,2001,u,2\n"
    )
    page.locator("#file").set_input_files(tmp_path / "me.csv")
    wait_for_recommendations(page, 2)
    page.get_by_label("Keep them in this browser").check()
    page.reload()
    titles = wait_for_recommendations(page, 2)
    stored = json.loads(page.evaluate("localStorage.getItem('reelgraph')"))
    assert stored["ratings"] == [[103, 2, None], [104, 4, 1614816000]]
    page.get_by_label(f"Not interested: {titles[0]}").click()
    wait_until(page, f"document.querySelector('#recommendations b').textContent !== {json.dumps(titles[0])}")
    page.get_by_role("button", name="Clear").click()
    wait_until(page, "document.getElementById('ratings').childElementCount === 0")
    page.get_by_role("button", name="Undo").click()
    wait_for_recommendations(page, 2)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert "2021-03-04T00:00:00.000Z,Heat,1995,,4" in Path(download.value.path()).read_text()
    page.get_by_label("Keep them in this browser").uncheck()
    assert page.evaluate("localStorage.length") == 0
    context.close()


def test_tabs_that_keep_ratings_have_the_same_ones(browser, url: str) -> None:
    context = browser.new_context()
    first, second = context.new_page(), context.new_page()
    first.goto(url)
    first.locator("#recommendations li").first.wait_for()
    first.get_by_label("Keep them in this browser").check()
    rate(first, "generated 20", "5")
    second.goto(url)
    second.locator("#ratings li").first.wait_for()
    rate(second, "generated 21", "1")
    wait_until(first, "document.querySelectorAll('#ratings li').length === 2")
    rate(first, "generated 22", "4")
    wait_until(second, "document.querySelectorAll('#ratings li').length === 3")
    assert len(json.loads(first.evaluate("localStorage.getItem('reelgraph')"))["ratings"]) == 3
    second.get_by_label("Keep them in this browser").uncheck()
    wait_until(first, "!document.getElementById('keep').checked")
    rate(first, "generated 23", "4")
    assert first.evaluate("localStorage.length") == 0
    context.close()


def test_page_says_in_words_that_the_server_does_not_respond(browser, url: str) -> None:
    page = browser.new_page()
    page.goto(url)
    page.locator("#recommendations li").first.wait_for()
    search(page, "generated 20")
    page.route("**/api/recommend", lambda route: route.abort())
    page.locator("#results [role=slider]").focus()
    page.keyboard.press("4")
    page.get_by_text("The server does not respond.").wait_for()
    page.unroute("**/api/recommend")
    page.keyboard.press("5")
    wait_for_recommendations(page, 1)
    page.close()


def test_page_shows_details_the_watchlist_and_more(page) -> None:
    first = page.locator("#recommendations li").first
    first.get_by_role("button", name="Details").click()
    first.locator(".details a").first.wait_for()
    assert re.match(r"\d+ minutesCast: ", first.locator(".details").text_content())
    assert [link.inner_text() for link in first.locator(".details a").all()] == ["IMDb", "TMDB"]
    poster = first.locator("img.poster")
    poster.wait_for()
    assert poster.get_attribute("alt").startswith("Poster of ")
    assert poster.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 1
    title = first.locator("b").first.text_content()
    first.get_by_role("button", name="Watchlist").click()
    page.get_by_label("only my watchlist").check()
    wait_until(page, "document.getElementById('recommendations').childElementCount === 1")
    assert page.locator("#recommendations b").all_text_contents() == [title]
    page.get_by_label("only my watchlist").uncheck()
    wait_until(page, "document.getElementById('recommendations').childElementCount === 10")
    page.get_by_role("button", name="More").click()
    wait_until(page, "document.getElementById('recommendations').childElementCount === 20")


def count_bright_pixels(page) -> int:
    """Count the pixels of the map that are far from grey."""
    return page.evaluate(
        """() => { const canvas = document.getElementById("map");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0;
        for (let i = 0; i < pixels.length; i += 4) if (pixels[i] - pixels[i + 2] > 100) count++;
        return count; }"""
    )


def test_map_shows_predictions_and_a_click_searches_the_movie(page) -> None:
    rate(page, "generated 20", "5")
    rate(page, "generated 21", "1")
    wait_for_recommendations(page, 2)
    wait_until(page, "document.getElementById('map').dataset.ratings === '2'")
    assert count_bright_pixels(page) > 50
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate("view.scale") == 1.5
    page.get_by_role("button", name="Zoom out").click()
    x, y = page.evaluate("[positions[0][0] / devicePixelRatio, positions[0][1] / devicePixelRatio]")
    canvas = page.locator("#map")
    canvas.scroll_into_view_if_needed()
    canvas.hover(position={"x": x, "y": y})
    assert page.locator("#tip").text_content().startswith("Spirited Away (2001), ")
    canvas.click(position={"x": x, "y": y})
    wait_until(page, "document.getElementById('results').dataset.query === 'Spirited Away'")
    assert page.locator("#results b").first.text_content() == "Spirited Away"


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [(DESKTOP_VIEWPORT, "light"), (PHONE_VIEWPORT, "dark")],
    ids=["desktop-light", "phone-dark"],
)
def test_page_has_no_accessibility_violations(browser, url: str, viewport: dict, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.locator("#recommendations li").first.wait_for()
    rate(page, "spirited", "5")
    wait_for_recommendations(page, 1)
    result = Axe().run(page)
    context.close()
    assert result.violations_count == 0, result.generate_report()


def test_page_fits_a_phone_and_a_tap_rates(browser, url: str) -> None:
    context = browser.new_context(
        viewport=PHONE_VIEWPORT, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(url)
    search(page, "amelie")
    page.locator("#results [role=slider]").first.tap()
    wait_for_recommendations(page, 1)
    width = page.evaluate("document.documentElement.scrollWidth")
    sizes = page.evaluate(
        "[...document.querySelectorAll('[role=slider]')].map((e) => e.getBoundingClientRect().height)"
    )
    context.close()
    assert width == PHONE_VIEWPORT["width"]
    assert min(sizes) >= 24
