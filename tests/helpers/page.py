"""What a user does on the page in a browser, and waits for."""

from __future__ import annotations

import json
from pathlib import Path


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


def wait_for_current_list(page) -> list[str]:
    """Wait for the list after the last change of ratings and filters; return its titles."""
    wait_until(page, "document.getElementById('recommendations').ariaBusy === 'false'")
    return page.locator("#recommendations b").all_text_contents()


def wait_for_recommendations(page, count: int) -> list[str]:
    """Wait for the recommendations for this number of ratings; return their titles."""
    noun = "rating" if count == 1 else "ratings"
    # While the list is busy, the state is that of earlier ratings, which can be as many.
    is_current = "document.getElementById('recommendations').ariaBusy === 'false'"
    has_count = f"document.getElementById('state').textContent.includes('your {count} {noun}')"
    wait_until(page, f"{is_current} && {has_count}")
    return page.locator("#recommendations b").all_text_contents()


def list_ratings(page) -> list[tuple[str, str]]:
    """Return titles and stars of the ratings that the page shows, the newest first."""
    titles = page.locator("#ratings b").all_text_contents()
    stars = page.locator("#ratings [role=slider]").evaluate_all("all => all.map((e) => e.ariaValueText)")
    return list(zip(titles, stars, strict=True))


def export_ratings(page, folder: Path) -> str:
    """Save the page's export as ``ratings.csv``; return its text."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(folder / "ratings.csv")
    return (folder / "ratings.csv").read_text()
