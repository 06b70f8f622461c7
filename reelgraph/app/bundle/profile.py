"""A user's taste in words: genres, people and decades that the user likes more than others do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating

DAMPING = 3.0
"""Ratings at which a mean difference is halved."""
MIN_RATINGS = 2
MIN_DIFFERENCE = 0.1
"""Smallest difference that is part of a profile, stars."""
MAX_ENTRIES = 5


@dataclass(frozen=True)
class ProfileEntry:
    """A genre, person or decade that the user likes more than others do."""

    name: str
    difference: float
    """Mean difference from the ratings of an average user with the same mean, shrunk to 0, stars."""
    ratings: int
    """The user's ratings of such movies."""


@dataclass(frozen=True)
class TasteProfile:
    """What a user likes more than others do, by descending difference."""

    genres: tuple[ProfileEntry, ...]
    people: tuple[ProfileEntry, ...]
    decades: tuple[ProfileEntry, ...]


def taste_profile(bundle: Bundle, ratings: Sequence[UserRating]) -> TasteProfile:
    """Return what a user likes more than others do.

    Args:
        bundle: the model, whose predictions for a user without ratings stand for others.
        ratings: the user's ratings.
    """
    catalog = bundle.catalog
    rows = [rating.row for rating in ratings]
    difference = np.array([rating.stars for rating in ratings]) - bundle.average_stars[rows]
    difference -= difference.mean() if len(ratings) else 0.0
    decades = [f"{year // 10 * 10}s" if year else "" for year in (catalog.years[row] for row in rows)]
    return TasteProfile(
        genres=_entries([catalog.genre_lists[row] for row in rows], difference.tolist()),
        people=_entries([catalog.people(row) for row in rows], difference.tolist()),
        decades=_entries([[decade] for decade in decades], difference.tolist()),
    )


def _entries(names: Sequence[Iterable[str]], differences: Sequence[float]) -> tuple[ProfileEntry, ...]:
    by_name: dict[str, list[float]] = {}
    for movie_names, difference in zip(names, differences, strict=True):
        for name in filter(None, movie_names):
            by_name.setdefault(name, []).append(difference)
    entries = [
        ProfileEntry(name, sum(values) / (len(values) + DAMPING), len(values))
        for name, values in by_name.items()
        if len(values) >= MIN_RATINGS
    ]
    liked = [entry for entry in entries if entry.difference >= MIN_DIFFERENCE]
    return tuple(sorted(liked, key=lambda entry: (-entry.difference, entry.name))[:MAX_ENTRIES])
