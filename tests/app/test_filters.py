"""Filters of recommendations: each of them, all together, and which one left no movie."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.filters import NO_CANDIDATES, Filters, apply_filters
from reelgraph.runtime.errors import InputError
from tests.helpers.bundle_samples import sample_catalog

COLUMNS = {
    "genre_1": ["Drama", "Science Fiction", "Children", None, "Drama"],
    "genre_2": [None, "Drama", None, None, None],
    "other_genres": [["Sci-Fi"], ["Sci-Fi"], ["Family"], [], []],
    "spoken_language_1": ["fr", "en", "en", None, "de"],
    "produced_in_country_1": ["France", "Japan", "Japan", None, "Germany"],
    "release_year": [1960, 1980, 2000, None, 2020],
    "runtime_minutes": [90, 170, None, None, 120],
    "ratings": [0, 1, 2, 3, 100],
}


@pytest.fixture(scope="module")
def catalog() -> MovieCatalog:
    return sample_catalog(5, **COLUMNS)


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"genres": ["drama"]}, [0, 1, 4]),
        ({"genres": ["Sci-Fi"]}, [0, 1]),
        ({"genres": ["science fiction", "Drama"]}, [0, 1]),
        ({"genres": ["Children's"]}, [2]),
        ({"exclude_genres": ["Drama"]}, [2, 3]),
        ({"exclude_genres": ["Drama", "family"]}, [3]),
        ({"genres": ["Drama"], "exclude_genres": ["Sci-Fi"]}, [4]),
        ({"since": 1980}, [1, 2, 4]),
        ({"since": 1980, "until": 2000}, [1, 2]),
        ({"min_runtime": 120}, [1, 4]),
        ({"max_runtime": 120}, [0, 4]),
        ({"min_runtime": 91, "max_runtime": 169}, [4]),
        ({"language": "EN"}, [1, 2]),
        ({"country": "japan", "until": 1990}, [1]),
        ({"min_ratings": 2}, [2, 3, 4]),
        ({"exclude_popular": True}, [0, 1, 2, 3]),
    ],
)
def test_apply_filters_keeps_the_movies_that_pass_all(
    catalog: MovieCatalog, filters: dict[str, object], rows: list[int]
) -> None:
    mask, reason = apply_filters(catalog, Filters(**filters), np.ones(5, bool))
    assert (np.flatnonzero(mask).tolist(), reason) == (rows, "")
    without_first, _ = apply_filters(catalog, Filters(**filters), np.arange(5) > 0)
    assert np.flatnonzero(without_first).tolist() == [row for row in rows if row]


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (
            {"genres": ["Drama"], "since": 2100},
            "None of the 3 movies before this filter is of 2100 or later.",
        ),
        ({"language": "en", "min_ratings": 50}, "None of the 2 movies before this filter is rated 50 times"),
        ({"max_runtime": 89}, "None of the 5 movies before this filter is of 89 minutes or less."),
        ({"language": "de", "exclude_genres": ["Drama"]}, "is in de."),
    ],
)
def test_apply_filters_names_the_filter_that_left_none(
    catalog: MovieCatalog, filters: dict[str, object], reason: str
) -> None:
    mask, actual = apply_filters(catalog, Filters(**filters), np.ones(5, bool))
    assert not mask.any()
    assert reason in actual
    assert apply_filters(catalog, Filters(), mask)[1] == NO_CANDIDATES


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"genres": ["Western"]}, "genre: expected one of Children, Drama, Sci-Fi, got Western"),
        ({"language": "xx"}, "language: expected one of English, French, German, got xx"),
        ({"country": "Peru"}, "country: expected one of France, Germany, Japan, got Peru"),
    ],
)
def test_apply_filters_raises_on_an_unknown_name(
    catalog: MovieCatalog, filters: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        apply_filters(catalog, Filters(**filters), np.ones(5, bool))


@pytest.mark.parametrize(
    ("field", "written", "names"),
    [
        ("language", "日本語", ["Japanese", "ja", "JA", "日本語", " japanese "]),
        ("language", "Français", ["French", "fr", "francais", "FRANÇAIS"]),
        ("language", "Pусский", ["Русский", "русский", "Pусский", "ru"]),
        ("language", "עִבְרִית", ["עברית", "he"]),
        ("language", "广州话 / 廣州話", ["Cantonese", "廣州話"]),
        ("language", "Japanese", ["日本語", "ja"]),
        ("language", "Sindarin", ["sindarin"]),
        ("country", "Japan", ["JP", "japan"]),
        ("country", "United States of America", ["USA", "us", "United States"]),
        ("country", "Cote D'Ivoire", ["Côte d’Ivoire", "ci"]),
    ],
)
def test_apply_filters_takes_codes_and_names_of_languages_and_countries(
    field: str, written: str, names: list[str]
) -> None:
    column = {"language": "spoken_language_1", "country": "produced_in_country_1"}[field]
    catalog = sample_catalog(3, **{column: ["Deutsch", written, None]})
    for name in names:
        mask, reason = apply_filters(catalog, Filters(**{field: name}), np.ones(3, bool))
        assert (np.flatnonzero(mask).tolist(), reason) == ([1], ""), name
    with pytest.raises(InputError, match="expected one of ") as raised:
        apply_filters(catalog, Filters(**{field: "Klingon"}), np.ones(3, bool))
    assert field == "country" or "German" in raised.value.expected


def test_apply_filters_says_that_a_bundle_has_no_such_field() -> None:
    with pytest.raises(InputError, match=r"no movie has a language, got en\. Leave the filter out"):
        apply_filters(sample_catalog(5), Filters(language="en"), np.ones(5, bool))
    with pytest.raises(InputError, match="no movie has a runtime"):
        apply_filters(
            sample_catalog(5, runtime_minutes=[None] * 5), Filters(max_runtime=90), np.ones(5, bool)
        )
