"""The scale of a file's ratings: by the layout's definition, by the user, or by all ratings together."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from reelgraph.app.rating_imports.layouts import SCALES
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.runtime.errors import InputError

DOMINANCE = 4
"""How often the ratings that point to one scale must outnumber those that point to the other."""
MIN_FRACTION_ABOVE = 0.1
"""Minimum fraction of ratings above 5 on a scale to 10, and of ratings above 10 on a scale to 100."""
SCALES_IN_WORDS = f"{', '.join(map(str, SCALES[:-1]))} or {SCALES[-1]}"
SCALE_HINT = f"State the scale: --scale {SCALES_IN_WORDS}."
"""How a user of the command line states the scale."""
STARS = re.compile(r"(?P<filled>[★⭐\ufe0f\s]*)(?P<half>½?)(?P<empty>[☆\s]*)")
STATED_SCALE = re.compile(rf"(?P<number>.+)/\s*(?P<scale>{'|'.join(map(str, SCALES))})(?:[.,]0)?")


class WrittenRating(NamedTuple):
    """A cell with a rating."""

    number: float | None
    """None if the cell has no finite number."""
    scale: int | None = None
    """Highest rating, if the cell states it: 10 in ``8/10``."""


def parse_rating(text: str) -> WrittenRating:
    """Parse a number with a decimal point or comma, ``8/10``, ``80 %``, ``4½``, ``★★★½`` or ``★★★★☆``."""
    text = text.strip()
    if text.endswith("%"):
        return WrittenRating(_parse_number(text[:-1]), 100)
    if stated := STATED_SCALE.fullmatch(text):
        return WrittenRating(_parse_number(stated["number"]), int(stated["scale"]))
    stars = STARS.fullmatch(text)
    if text and stars:
        filled = _count_stars(stars["filled"]) + len(stars["half"]) / 2
        total = math.ceil(filled) + _count_stars(stars["empty"])
        return WrittenRating(filled, total if stars["empty"] and total in SCALES else None)
    return WrittenRating(_parse_number(text))


def _parse_number(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    if text.endswith("½"):
        text = f"{text[:-1].strip() or 0}.5"
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _count_stars(text: str) -> int:
    return sum(character in "★⭐☆" for character in text)


def to_stars(number: float, scale: int) -> float | None:
    """Return stars rounded to the nearest half star, or up between two; None for a rating beyond the scale.

    So does ``reelgraph.sources.conversions`` with the pipeline's ratings.
    """
    if not 0 < number <= scale:
        return None
    steps = math.floor(number * MAX_STARS / scale / STAR_STEP + 0.5)
    return max(MIN_STARS, steps * STAR_STEP)


def select_scale(
    numbers: Sequence[float],
    defined: int | None,
    stated: int | None,
    where: str,
    scale_hint: str = SCALE_HINT,
) -> int:
    """Return the scale that the user states, unless the layout defines one that the ratings don't contradict.

    Args:
        numbers: all ratings of the file.
        defined: scale of the layout's definition, if it has one.
        stated: scale that the user states, if any.
        where: file and column, for the error message.
        scale_hint: how the user states the scale, for the error message.

    Raises:
        InputError: see ``detect_scale``.
    """
    if stated is None or (defined is not None and not _contradicts(numbers, defined)):
        return detect_scale(numbers, defined, where, scale_hint)
    return stated


def _contradicts(numbers: Sequence[float], scale: int) -> bool:
    """Return whether at least half of the ratings are above the scale."""
    n_above = sum(number > scale for number in numbers)
    return n_above > 0 and 2 * n_above >= len(numbers)


def detect_scale(
    numbers: Sequence[float], defined: int | None, where: str, scale_hint: str = SCALE_HINT
) -> int:
    """Return the highest rating of the scale: 5, 10 or 100.

    A defined scale holds unless at least half of the ratings are above it. Without a definition, ratings
    above 5 point to a scale to 10, halves below 5 point to five stars, and one must outnumber the other.

    Args:
        numbers: all ratings of the file.
        defined: scale of the layout's definition, if it has one.
        where: file and column, for the error message.
        scale_hint: how the user states the scale, for the error message.

    Raises:
        InputError: the ratings contradict the definition, or point to two scales.
    """
    if defined is not None:
        if _contradicts(numbers, defined):
            n_above = sum(number > defined for number in numbers)
            got = f"{n_above:,} of {len(numbers):,} above {defined}"
            raise InputError(where, f"ratings to {defined}", got, scale_hint)
        return defined
    n_above_10 = sum(10 < number <= 100 for number in numbers)
    if n_above_10 > len(numbers) / 2:
        return 100
    n_above_5 = sum(5 < number <= 10 for number in numbers)
    n_halves = sum(0 < number < 5 and not number.is_integer() for number in numbers)
    if n_above_10 <= MIN_FRACTION_ABOVE * len(numbers):
        if not n_above_5 or n_halves >= DOMINANCE * n_above_5:
            return 5
        if n_above_5 >= max(DOMINANCE * n_halves, MIN_FRACTION_ABOVE * len(numbers)):
            return 10
    got = f"{n_halves:,} halves below 5, {n_above_5:,} of 5 to 10, {n_above_10:,} above 10"
    raise InputError(where, "ratings on one scale", got, scale_hint)
