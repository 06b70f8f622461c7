"""The scale of ratings: by definition, by the whole file, refused where it is ambiguous."""

from __future__ import annotations

import pytest

from reelgraph.app.rating_imports.scales import detect_scale, parse_rating, to_stars
from reelgraph.runtime.errors import InputError


@pytest.mark.parametrize(
    ("text", "scale", "stars"),
    [
        ("4.5", 5, 4.5),
        ("9", 10, 4.5),
        ("1", 10, 0.5),
        ("87", 100, 4.5),
        ("100", 100, 5.0),
        ("65", 100, 3.5),
        ("75", 100, 4.0),
        ("8.5", 10, 4.5),
        ("4.25", 5, 4.5),
        ("1", 100, 0.5),
        ("101", 100, None),
        ("0", 10, None),
        ("-1", 5, None),
        ("5,0", 5, 5.0),
        ("4.3", 5, 4.5),
        ("0.3", 5, 0.5),
        ("4½", 5, 4.5),
        ("½", 5, 0.5),
        ("★★★½", 5, 3.5),
        ("⭐⭐⭐⭐", 5, 4.0),
        ("⭐️⭐️⭐️", 5, 3.0),
        ("★★★★", 10, 2.0),
        ("★★★★☆", 10, 4.0),
        ("★★★★★★★★☆☆", 5, 4.0),
        ("8/10", 5, 4.0),
        ("9.0 / 10", 5, 4.5),
        ("4,5/5", 10, 4.5),
        ("80%", 5, 4.0),
        ("95 %", 10, 5.0),
    ],
)
def test_to_stars(text: str, scale: int, stars: float | None) -> None:
    number, stated_scale = parse_rating(text)
    assert number is not None
    assert to_stars(number, stated_scale or scale) == stars


@pytest.mark.parametrize(
    "text", ["nan", "inf", "", "four", "4.5.5", "A+", "3/4", "/10", "%", "½½", "8/10/10"]
)
def test_parse_rating_has_no_number_for_other_text(text: str) -> None:
    assert parse_rating(text).number is None


@pytest.mark.parametrize(
    ("numbers", "scale"),
    [
        ([4.5, 5], 5),
        ([3, 4, 5, 2], 5),
        ([0.5], 5),
        ([], 5),
        ([3.5, 4.5, 2.5, 0.5, 9], 5),
        ([8, 5], 10),
        ([7.5, 8, 9.5, 6, 10, 4.5], 10),
        ([10] * 50 + [45], 10),
        ([4.5] * 50 + [45], 5),
        ([87, 92, 40, 7], 100),
    ],
)
def test_detect_scale_by_all_ratings(numbers: list[float], scale: int) -> None:
    assert detect_scale([float(number) for number in numbers], None, "ratings.csv") == scale


@pytest.mark.parametrize("numbers", [[5, 4.5, 9], [3] * 99 + [9], [4.5, 3.5, 8, 9], [9, 8, 87], [20, 5]])
def test_detect_scale_raises_if_it_is_ambiguous(numbers: list[float]) -> None:
    with pytest.raises(InputError, match="State the scale: --scale 5, 10 or 100"):
        detect_scale([float(number) for number in numbers], None, "ratings.csv")


def test_detect_scale_keeps_the_definition_unless_the_ratings_contradict_it() -> None:
    assert detect_scale([5.0, 4.0, 3.0], 10, "ratings.csv") == 10
    assert detect_scale([5.0, 4.5, 9.0], 5, "ratings.csv") == 5
    with pytest.raises(InputError, match="ratings to 5, got 2 of 3 above 5"):
        detect_scale([8.0, 9.0, 4.0], 5, "ratings.csv")
