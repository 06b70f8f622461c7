"""The report in a real browser: headless Chromium, as a file, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reelgraph.report.build import build_report
from tests.helpers import report_samples
from tests.helpers.browser import DESKTOP_VIEWPORT, PHONE_VIEWPORT, launch_chromium, open_page

MOVIES = 54_000
DRAWN = "() => performance.getEntriesByName('atlas-drawn')[0]?.startTime"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with launch_chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of as many movies as the reference has."""
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(build_report(report_samples.inputs(MOVIES)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, address: str) -> Iterator:
    """The report; at the end checks that it had no errors and no requests to other addresses."""
    with open_page(browser, address) as opened:
        yield opened.page
    assert opened.messages == []
    assert [
        url for url in opened.requested if url != address and not url.startswith(("data:", "blob:"))
    ] == []


def test_the_map_of_54_000_movies_is_drawn(page) -> None:
    page.wait_for_function(DRAWN)
    assert pixels(page, 0) > 1000


def pixels(page, genre: int) -> int:
    """Pixels of the map that are near a genre's colour."""
    return page.evaluate(
        """(genre) => {
        const canvas = document.getElementById("atlas-canvas");
        const style = getComputedStyle(document.documentElement).getPropertyValue(`--g${genre}`).trim();
        const want = [1, 3, 5].map((at) => parseInt(style.slice(at, at + 2), 16));
        const copy = Object.assign(document.createElement("canvas"), {width: canvas.width, height: canvas.height});
        const paint = copy.getContext("2d", {willReadFrequently: true});
        paint.drawImage(canvas, 0, 0);
        const seen = paint.getImageData(0, 0, copy.width, copy.height).data;
        let count = 0;
        for (let i = 0; i < seen.length; i += 4)
          if (seen[i + 3] > 100 && want.every((value, at) => Math.abs(value - seen[i + at]) < 40)) count++;
        return count;
        }""",
        genre,
    )


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("matrix", "The Matrix"),
        ("Matrix, The", "The Matrix"),
        ("the MATRIX", "The Matrix"),
        ("amelie", "Amélie"),
        ("Postino, Il", "Il Postino"),
        ("postman, the", "Il Postino"),
        ("fast and furious", "Fast & Furious"),
        ("<b>bold", "<b>Bold</b> & 'quoted'"),
        ("movie 53990", "Generated Movie 53990"),
    ],
)
def test_search_finds_a_movie_by_its_title(page, typed: str, title: str) -> None:
    page.get_by_label("Find a movie").fill(typed)
    assert page.locator("#atlas-hits button span").first.text_content() == title
    page.get_by_label("Find a movie").press("Enter")
    assert page.locator("#atlas-selected").text_content() == title


def test_search_says_when_nothing_is_found(page) -> None:
    page.get_by_label("Find a movie").fill("zzzz")
    assert page.locator("#atlas-status").text_content() == "0 found"
    page.get_by_label("Find a movie").press("Enter")
    assert page.locator("#atlas-detail").is_hidden()


def test_a_movie_that_was_found_is_in_the_middle_and_a_click_shows_its_neighbours(page) -> None:
    page.get_by_label("Find a movie").fill("Moonlight")
    page.get_by_label("Find a movie").press("Enter")
    canvas = page.locator("#atlas-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    canvas.hover(position=middle)
    assert page.locator("#atlas-tip strong").text_content() == "Moonlight"
    assert page.locator("#atlas-tip span").text_content().startswith("1954 · ")
    page.get_by_label("Find a movie").fill("amelie")
    page.get_by_label("Find a movie").press("Enter")
    canvas.click(position=middle)
    near = page.locator("#atlas-near button span").all_text_contents()
    assert page.locator("#atlas-selected").text_content() == "Amélie"
    assert near[:3] == ["Il Postino", "Fast & Furious", "Moonlight"]
    assert len(near) == 10
    page.locator("#atlas-near button").nth(1).click()
    assert page.locator("#atlas-selected").text_content() == "Fast & Furious"


def test_wheel_and_keys_zoom_and_move(page) -> None:
    page.locator("#atlas-canvas").scroll_into_view_if_needed()
    before = pixels(page, 0)
    page.locator("#atlas-stage").focus()
    for _ in range(6):
        page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    frames(page)
    closer = pixels(page, 0)
    assert closer != before
    page.keyboard.press("0")
    frames(page)
    assert pixels(page, 0) == before
    box = page.locator("#atlas-canvas").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.wheel(0, -800)
    frames(page)
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    assert pixels(page, 0) != before


def frames(page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_legend_shows_one_genre_alone(page) -> None:
    first = page.locator("#atlas-legend button").first
    before = pixels(page, 1)
    first.press("Enter")
    frames(page)
    assert first.get_attribute("aria-pressed") == "true"
    assert pixels(page, 0) > 1000
    assert pixels(page, 1) < before / 10
    first.click()
    frames(page)
    assert pixels(page, 1) == before


def test_everything_is_reached_by_keyboard(page) -> None:
    page.get_by_label("Find a movie").fill("generated movie 77")
    reached = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.closest('[id]').id"))
    assert {"atlas-hits", "atlas-stage", "atlas-in", "atlas-out", "atlas-home"} <= set(reached)
    page.locator("#atlas-hits button").first.press("Enter")
    assert page.evaluate("document.activeElement.id") == "atlas-selected"


@pytest.mark.parametrize(
    ("viewport", "scheme"),
    [(DESKTOP_VIEWPORT, "light"), (PHONE_VIEWPORT, "dark")],
    ids=["desktop-light", "phone-dark"],
)
def test_axe_finds_nothing(browser, address: str, viewport: dict, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(address)
    opened.get_by_label("Find a movie").fill("moon")
    opened.locator("#atlas-hits button").first.click()
    for folded in opened.locator("summary").all():
        folded.click()
    result = Axe().run(opened)
    context.close()
    assert result.violations_count == 0, result.generate_report()


def test_a_phone_scrolls_down_only(browser, address: str) -> None:
    context = browser.new_context(
        viewport=PHONE_VIEWPORT, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    opened = context.new_page()
    opened.goto(address)
    assert opened.evaluate("document.documentElement.scrollWidth") == PHONE_VIEWPORT["width"]
    canvas = opened.evaluate("[document.getElementById('atlas-canvas').width, innerWidth * devicePixelRatio]")
    assert 0.8 * canvas[1] < canvas[0] <= canvas[1]
    outside = opened.evaluate(
        """() => [...document.querySelectorAll("svg[role=img] text")].filter((text) => {
        const own = text.getBoundingClientRect(), all = text.closest("svg").getBoundingClientRect();
        return own.left < all.left - 1 || own.right > all.right + 1;
        }).map((text) => text.textContent)"""
    )
    context.close()
    assert outside == []


def test_it_prints_on_a_few_pages(page, tmp_path: Path) -> None:
    printed = page.pdf(format="A4", print_background=True)
    assert printed.startswith(b"%PDF")
    assert 5 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") <= 14


def test_a_report_without_studies_and_measures_opens(browser, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    empty = {key: {} for key in ("slices", "ranking", "calibration", "perturbations", "links")}
    path.write_text(
        build_report(report_samples.inputs(3, report_samples.NO_STUDIES, **empty)), encoding="utf-8"
    )
    context = browser.new_context(viewport=DESKTOP_VIEWPORT)
    opened = context.new_page()
    messages = []
    opened.on("console", lambda message: messages.append(message.text))
    opened.on("pageerror", lambda error: messages.append(str(error)))
    opened.goto(path.as_uri())
    assert "make external-baselines" in opened.locator("#results").text_content()
    opened.get_by_label("Find a movie").fill("amelie")
    opened.get_by_label("Find a movie").press("Enter")
    assert opened.locator("#atlas-near button").count() == 2
    context.close()
    assert messages == []
