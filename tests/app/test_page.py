"""The page in a browser: search, ratings, recommendations, keyboard, phone, accessibility."""

from __future__ import annotations

import re

import numpy as np
import pytest

from reelgraph.app.bundle.filters import Filters, apply_filters
from tests.helpers import bundle_samples
from tests.helpers.browser import DESKTOP_VIEWPORT, PHONE_VIEWPORT
from tests.helpers.page import rate, search, wait_for_current_list, wait_for_recommendations, wait_until


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


def test_list_is_busy_until_it_is_that_of_the_last_rating(page) -> None:
    wait_for_current_list(page)
    held_requests = []
    page.route("**/api/recommend", lambda route: held_requests.append(route), times=1)
    rate(page, "generated 20", "5")
    rate(page, "generated 21", "1")
    wait_until(page, "document.getElementById('recommendations').ariaBusy === 'true'")
    held_requests[0].continue_()
    wait_for_recommendations(page, 2)


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


def test_search_finds_a_movie_by_its_id(page) -> None:
    for query, titles in (("movieId 106", ["Rocky II"]), ("[MOVIEID 106]", ["Rocky II"]), ("movieId 7", [])):
        search(page, query)
        assert page.locator("#results b").all_text_contents() == titles


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
    wait_for_current_list(page)
    details = page.locator("#recommendations small").all_text_contents()
    assert all(re.match(r"(19[7-9]|20).*, .*Drama", text) for text in details)
    filters = Filters(genres=("Drama",), since=1970, max_runtime=110, exclude_popular=True)
    unrated = np.arange(40) > 0
    candidates, _ = apply_filters(bundle_samples.sample_catalog(40), filters, unrated)
    assert page.locator("#recommendations li").count() == candidates.sum()


def test_filters_say_which_numbers_are_expected(page) -> None:
    year = "Since: expected a whole number from 1800 to 2200."
    minutes = "Minutes at most: expected a whole number of at least 1."
    for name, value, message in (
        ("Since", "1700", year),
        ("Since", "3000", year),
        ("Since", "1999.5", year),
        ("Minutes at most", "0", minutes),
    ):
        page.get_by_label(name).fill(value)
        page.get_by_label(name).press("Enter")
        page.get_by_text(message).wait_for()
        page.get_by_label(name).fill("")
        page.get_by_label(name).press("Enter")
        page.get_by_text("Highest predictions for a user without ratings.").wait_for()


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
