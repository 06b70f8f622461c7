"""The page in a real browser, end to end: search, stars, recommendations, import, export, keyboard, phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reelgraph.app.rating_imports.ratings_file import read_ratings_file
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers import bundle_samples
from tests.helpers.app_server import run_server
from tests.helpers.browser import DESKTOP_VIEWPORT, PHONE_VIEWPORT, launch_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with launch_chromium() as started:
        yield started


@pytest.fixture(scope="module")
def url(browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with run_server(bundle_samples.write_sample_bundle(tmp_path_factory.mktemp("served"))) as address:
        yield address


@pytest.fixture
def page(browser, url: str) -> Iterator:
    """The page, opened; in the end nothing may have complained or asked elsewhere, and nothing is kept."""
    context = browser.new_context(viewport=DESKTOP_VIEWPORT)
    opened = context.new_page()
    said, asked = [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(url)
    opened.locator("#found li").first.wait_for()
    yield opened
    kept = opened.evaluate("localStorage.length + sessionStorage.length + document.cookie.length")
    context.close()
    assert [text for text in said if "422" not in text] == []
    assert [each for each in asked if not each.startswith((url, "blob:", "data:"))] == []
    assert kept == 0


def rate(page, title: str, keys: str) -> None:
    page.get_by_label("Find a movie").fill(title)
    slider = page.locator("#hits [role=slider]").first
    slider.focus()
    page.keyboard.press(keys)


def until(page, holds: str) -> None:
    """Wait until an expression holds; the page's policy forbids Playwright's own waiting."""
    for _ in range(600):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(50)
    raise AssertionError(holds)


def settled(page, count: int) -> list[str]:
    """Wait for the recommendations for so many ratings; return their titles."""
    noun = "rating" if count == 1 else "ratings"
    until(page, f"document.getElementById('state').textContent.includes('your {count} {noun}')")
    return page.locator("#found b").all_text_contents()


def test_stars_change_the_recommendations_at_once_with_reasons_and_uncertainty(page) -> None:
    before = page.locator("#found b").all_text_contents()
    for movie, keys in ((20, "5"), (21, "1"), (22, "5"), (23, "1")):
        rate(page, f"generated {movie}", keys)
    after = settled(page, 4)
    assert len(after) == 10
    assert after != before
    assert not set(after) & {f"Generated {movie}" for movie in (20, 21, 22, 23)}
    first = page.locator("#found li").first
    assert "80 % from" in first.locator(".range").text_content()
    assert first.locator(".range rect").count() == 1
    assert "you gave" in first.locator(".why").first.text_content()
    assert page.locator("#mine li").count() == 4


def test_search_forgives_and_says_how_many(page) -> None:
    for typed, title in (
        ("spirited", "Spirited Away"),
        ("AMÉLIE", "Amelie"),
        ("fast and f", "Fast & Furious"),
    ):
        page.get_by_label("Find a movie").fill(typed)
        assert page.locator("#hits b").first.text_content() == title
    page.get_by_label("Find a movie").fill("zzz")
    assert page.locator("#told").text_content() == "0 found"


def test_a_click_on_the_stars_gives_halves_and_the_cross_takes_them_back(page) -> None:
    page.get_by_label("Find a movie").fill("spirited")
    slider = page.locator("#hits [role=slider]").first
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] * 0.68, "y": box["height"] / 2})
    assert page.locator("#mine [role=slider]").get_attribute("aria-valuetext") == "3.5 stars"
    settled(page, 1)
    page.get_by_label("Take back your rating of Spirited Away (2001)").click()
    assert page.locator("#mine li").count() == 0
    assert slider.get_attribute("aria-valuetext") == "not rated"
    until(page, "document.getElementById('state').textContent.startsWith('What most')")


def test_everything_goes_by_keyboard(page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    page.keyboard.type("spirited")
    page.keyboard.press("Tab")
    for key, value in (
        ("4", "4 stars"),
        ("ArrowRight", "4.5 stars"),
        ("End", "5 stars"),
        ("Home", "0.5 stars"),
    ):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('aria-valuetext')") == value
    settled(page, 1)
    page.keyboard.press("Delete")
    assert page.locator("#mine li").count() == 0
    seen = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.getAttribute('role')"))
    assert {"file", "genre", "since", "rare", "diverse", "slider"} <= seen


def test_filters_keep_to_genre_and_year(page) -> None:
    rate(page, "spirited", "5")
    settled(page, 1)
    page.get_by_label("Genre").select_option("Drama")
    page.get_by_label("Since").fill("1970")
    page.get_by_label("Since").press("Enter")
    page.get_by_label("not seen by many").check()
    page.get_by_label("unlike each other").check()
    until(
        page,
        "[...document.querySelectorAll('#found small')].every((e) => /^(19[7-9]|20).*, Drama$/.test(e.textContent))",
    )
    allowed = bundle_samples.sample_library(40).filter_mask("Drama", 1970, True)
    assert page.locator("#found li").count() == allowed[1:].sum()


def test_a_file_is_dropped_and_said_what_of_it_matched(page) -> None:
    transfer = page.evaluate_handle(
        """(text) => { const data = new DataTransfer();
        data.items.add(new File([text], "ratings.csv", {type: "text/csv"})); return data; }""", LETTERBOXD)  # fmt: skip
    page.dispatch_event("#drop", "dragover", {"dataTransfer": transfer})
    assert "over" in page.locator("#drop").get_attribute("class")
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    settled(page, 3)
    assert page.locator("#imported p").text_content() == "Letterboxd: 3 of 7 rows matched."
    page.locator("#imported summary").click()
    assert "Chernobyl (2019): no such title" in page.locator("#imported details").text_content()


def test_a_long_list_of_ratings_does_not_push_the_map_away(page, tmp_path: Path) -> None:
    rows = [f"2020-01-01,Generated {at},{1950 + at},,3\n" for at in range(20)]
    (tmp_path / "many.csv").write_text("Date,Name,Year,Letterboxd URI,Rating\n" + "".join(rows))
    page.locator("#file").set_input_files(tmp_path / "many.csv")
    settled(page, 20)
    assert page.locator("#mine li").count() == 20
    assert page.evaluate("document.getElementById('mine').clientHeight") <= 640
    last = page.locator("#mine li [role=slider]").last
    last.focus()
    assert last.evaluate(
        "e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; }"
    )


def test_a_bad_file_is_refused_and_nothing_is_lost(page, tmp_path: Path) -> None:
    rate(page, "spirited", "5")
    settled(page, 1)
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    page.locator("#file").set_input_files(tmp_path / "picture.csv")
    page.locator("#imported .bad").wait_for()
    assert page.locator("#mine li").count() == 1


def test_what_is_exported_is_read_again(page, tmp_path: Path) -> None:
    rate(page, "(500) days", "4")
    rate(page, "rocky", "2")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "mine.csv")
    read = read_ratings_file(tmp_path / "mine.csv")
    assert [(each.title, each.year, each.stars) for each in read.ratings] == [
        ("(500) Days of Summer", 2009, 4.0), ("Rocky II", 1979, 2.0)]  # fmt: skip


def bright(page) -> int:
    """Pixels of the map that are far from grey."""
    return page.evaluate(
        """() => { const canvas = document.getElementById("map");
        const seen = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0;
        for (let i = 0; i < seen.length; i += 4) if (seen[i] - seen[i + 2] > 100) count++;
        return count; }"""
    )


def test_the_map_lights_up_and_a_click_finds_the_movie(page) -> None:
    rate(page, "generated 20", "5")
    rate(page, "generated 21", "1")
    settled(page, 2)
    until(page, "document.getElementById('map').dataset.lit === '2'")
    assert bright(page) > 50
    place = page.evaluate("[places[0][0] / devicePixelRatio, places[0][1] / devicePixelRatio]")
    canvas = page.locator("#map")
    canvas.scroll_into_view_if_needed()
    canvas.hover(position={"x": place[0], "y": place[1]})
    assert page.locator("#tip").text_content().startswith("Spirited Away (2001), ")
    canvas.click(position={"x": place[0], "y": place[1]})
    assert page.locator("#hits b").first.text_content() == "Spirited Away"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP_VIEWPORT, PHONE_VIEWPORT], ids=["desktop", "phone"])
def test_axe_finds_nothing(browser, url: str, scheme: str, viewport: dict) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(url)
    opened.locator("#found li").first.wait_for()
    rate(opened, "spirited", "5")
    settled(opened, 1)
    found = Axe().run(opened)
    context.close()
    assert found.violations_count == 0, found.generate_report()


def test_a_phone_scrolls_down_only_and_a_tap_gives_stars(browser, url: str) -> None:
    context = browser.new_context(
        viewport=PHONE_VIEWPORT, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    opened = context.new_page()
    opened.goto(url)
    opened.get_by_label("Find a movie").fill("amelie")
    opened.locator("#hits [role=slider]").first.tap()
    settled(opened, 1)
    width = opened.evaluate("document.documentElement.scrollWidth")
    sizes = opened.evaluate(
        "[...document.querySelectorAll('[role=slider]')].map((e) => e.getBoundingClientRect().height)"
    )
    context.close()
    assert width == PHONE_VIEWPORT["width"]
    assert min(sizes) >= 24
