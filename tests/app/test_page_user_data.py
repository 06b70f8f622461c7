"""The user's data on the page: import, export, undo, ratings that the browser keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from reelgraph.app.bundle.format import read_bundle, write_bundle
from reelgraph.app.rating_imports.ratings_file import MAX_FILE_BYTES, read_ratings_file
from reelgraph.app.server import server
from tests.app.test_rating_imports import LETTERBOXD
from tests.helpers import bundle_samples
from tests.helpers.app_server import run_server
from tests.helpers.browser import DESKTOP_VIEWPORT
from tests.helpers.page import (
    export_ratings,
    list_ratings,
    rate,
    search,
    wait_for_current_list,
    wait_for_recommendations,
    wait_until,
)


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


def test_choice_of_an_ambiguous_title_keeps_the_date(page, tmp_path: Path) -> None:
    (tmp_path / "same.csv").write_text("title,year,rating,date\nSame Name,2010,4,2021-03-04\n")
    page.locator("#file").set_input_files(tmp_path / "same.csv")
    page.get_by_label("The movie of line 2: Same Name (2010)").select_option(index=2)
    wait_for_recommendations(page, 1)
    assert export_ratings(page, tmp_path).splitlines()[1:] == [
        "2021-03-04T00:00:00.000Z,Same Name,2010,,4,114"
    ]


def test_another_choice_of_an_ambiguous_title_brings_an_earlier_rating_back(page, tmp_path: Path) -> None:
    search(page, "movieId 113")
    page.locator("#results [role=slider]").press("1")
    (tmp_path / "same.csv").write_text("title,year,rating\nSame Name,2010,4\nHeat,1995,5\n")
    page.locator("#file").set_input_files(tmp_path / "same.csv")
    wait_for_recommendations(page, 2)
    choice = page.get_by_label("The movie of line 2: Same Name (2010)")
    choice.select_option(index=1)
    assert sorted(list_ratings(page)) == [("Heat", "5 stars"), ("Same Name", "4 stars")]
    choice.select_option(index=0)
    assert sorted(list_ratings(page)) == [("Heat", "5 stars"), ("Same Name", "1 star")]
    choice.select_option(index=1)
    page.locator("#results [role=slider]").press("2")
    choice.select_option(index=2)
    assert sorted(list_ratings(page)) == [
        ("Heat", "5 stars"),
        ("Same Name", "2 stars"),
        ("Same Name", "4 stars"),
    ]


def test_import_file_takes_a_stated_scale(page, tmp_path: Path) -> None:
    (tmp_path / "ten.csv").write_text("title,year,rating\nHeat,1995,4.5\nAmelie,2001,9\n")
    page.locator("#file").set_input_files(tmp_path / "ten.csv")
    page.locator("#imported .error").wait_for()
    error = page.locator("#imported .error").text_content()
    assert error.endswith('State the scale: choose 5, 10 or 100 as "Highest rating", then the file again.')
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


def test_import_file_says_how_large_a_file_may_be(page) -> None:
    file = {"name": "large.csv", "mimeType": "text/csv", "buffer": b"x" * 5_000_001}
    page.locator("#file").set_input_files(file)
    error = page.locator("#imported .error").text_content()
    assert error == "The file is larger than 5 MB. The command line reads files of up to 20 MB."
    assert server.MAX_UPLOAD_BYTES == 5e6
    assert MAX_FILE_BYTES == 20e6


def test_export_ratings_writes_a_file_that_can_be_imported(page, tmp_path: Path) -> None:
    rate(page, "(500) days", "4")
    rate(page, "rocky", "2")
    export_ratings(page, tmp_path)
    ratings = read_ratings_file(tmp_path / "ratings.csv").ratings
    assert [(rating.title, rating.year, rating.stars) for rating in ratings] == [
        ("(500) Days of Summer", 2009, 4.0),
        ("Rocky II", 1979, 2.0),
    ]


def test_export_ratings_comes_back_whole_where_movies_have_one_title_and_year(page, tmp_path: Path) -> None:
    for movie_id, key in ((113, "1"), (114, "5"), (115, "3")):
        search(page, f"movieId {movie_id}")
        page.locator("#results [role=slider]").press(key)
    assert [line[-4:] for line in export_ratings(page, tmp_path).splitlines()[1:]] == [",113", ",114", ",115"]
    before = list_ratings(page)
    page.get_by_role("button", name="Clear").click()
    page.locator("#file").set_input_files(tmp_path / "ratings.csv")
    wait_for_recommendations(page, 3)
    assert list_ratings(page) == before
    assert page.locator("#imported details").count() == 0


def test_export_ratings_has_the_ids_of_the_source_where_these_are_text(browser, tmp_path: Path) -> None:
    contents = read_bundle(bundle_samples.write_sample_bundle(tmp_path))
    # Each text is the number of the next movie.
    next_ids = [str(101 + row) for row in range(len(contents.catalog))]
    catalog = bundle_samples.sample_catalog(len(contents.catalog), source_movie_id=next_ids)
    write_bundle(replace(contents, catalog=catalog), tmp_path / "text_ids")
    with run_server(tmp_path / "text_ids") as url:
        page = browser.new_page()
        page.goto(url)
        rate(page, "generated 20", "4")
        assert export_ratings(page, tmp_path).endswith(",Generated 20,1970,,4,137\n")
        page.get_by_role("button", name="Clear").click()
        page.locator("#file").set_input_files(tmp_path / "ratings.csv")
        wait_for_recommendations(page, 1)
        assert list_ratings(page) == [("Generated 20", "4 stars")]
        page.close()


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
    assert "2021-03-04T00:00:00.000Z,Heat,1995,,4" in export_ratings(page, tmp_path)
    page.get_by_label("Keep them in this browser").uncheck()
    assert page.evaluate("localStorage.length") == 0
    context.close()


def test_undo_takes_back_its_own_action_and_keeps_later_ratings(page) -> None:
    before = page.locator("#recommendations b").all_text_contents()
    page.get_by_label(f"Not interested: {before[0]}").click()
    movies = ["Generated 20", "Generated 21", "Generated 22"]
    for title in movies:
        rate(page, title, "5")
    wait_for_recommendations(page, 3)
    page.get_by_role("button", name="Undo: Not interested").click()
    assert list_ratings(page) == [(title, "5 stars") for title in reversed(movies)]
    for title in movies:
        page.get_by_label(f"Remove your rating of {title}").click()
    assert wait_for_current_list(page) == before
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_undo_of_clear_brings_back_what_was_not_rated_again(page) -> None:
    rate(page, "generated 20", "5")
    rate(page, "generated 21", "1")
    page.get_by_role("button", name="Clear").click()
    assert list_ratings(page) == []
    rate(page, "generated 20", "2")
    rate(page, "generated 22", "4")
    page.get_by_role("button", name="Undo: Clear").click()
    assert sorted(list_ratings(page)) == [
        ("Generated 20", "2 stars"),
        ("Generated 21", "1 star"),
        ("Generated 22", "4 stars"),
    ]


def test_undo_of_an_import_brings_earlier_ratings_back_and_keeps_later_ones(page, tmp_path: Path) -> None:
    rate(page, "heat 1995", "2")
    (tmp_path / "me.csv").write_text("title,year,rating\nHeat,1995,4\nAmelie,2001,5\n")
    page.locator("#file").set_input_files(tmp_path / "me.csv")
    wait_for_recommendations(page, 2)
    rate(page, "generated 20", "3")
    page.get_by_role("button", name="Undo: Import").click()
    assert sorted(list_ratings(page)) == [("Generated 20", "3 stars"), ("Heat", "2 stars")]


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
