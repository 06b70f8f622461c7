"""Filters of recommendations: genres, years, runtime, language, country, and numbers of ratings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Bool, Float64
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reelgraph.app.bundle.catalog import MovieCatalog, genre_key
from reelgraph.app.bundle.iso_names import COUNTRY_NAMES, LANGUAGE_NAMES, IsoNames
from reelgraph.params.base import list_violations
from reelgraph.runtime.errors import InputError

POPULAR_QUANTILE = 0.9
"""A movie is popular if its number of ratings is above this quantile."""

NO_CANDIDATES = "Every movie to choose from is already rated or watched, or left out by you."

Name = Annotated[str, Field(max_length=100)]
Names = Annotated[tuple[Name, ...], Field(max_length=50, strict=False)]
Year = Annotated[int, Field(ge=1800, le=2200)]
Minutes = Annotated[int, Field(ge=1)]
Mask = Bool[np.ndarray, " movies"]


class Filters(BaseModel):
    """Conditions that a recommended movie meets, all of them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    genres: Names = ()
    """Genres that the movie has, all of them."""
    exclude_genres: Names = ()
    """Genres of which the movie has none."""
    since: Year | None = None
    """Earliest release year; excludes movies of unknown year."""
    until: Year | None = None
    """Latest release year; excludes movies of unknown year."""
    min_runtime: Minutes | None = None
    """Shortest runtime in minutes; excludes movies of unknown runtime."""
    max_runtime: Minutes | None = None
    """Longest runtime in minutes; excludes movies of unknown runtime."""
    language: Name | None = None
    """ISO 639-1 code, English name, or name in that language."""
    country: Name | None = None
    """ISO 3166-1 code, or name."""
    min_ratings: Annotated[int, Field(ge=0)] = 0
    """Fewest training ratings of the movie."""
    exclude_popular: bool = False
    """Exclude the 10 % of movies with the most ratings."""


def make_filters(**conditions: object) -> Filters:
    """Return filters.

    Raises:
        InputError: a condition is out of range, or not text in Unicode.
    """
    try:
        return Filters.model_validate(conditions)
    except ValidationError as error:
        violation = list_violations(error)[0]
        remedy = f"The filters are {', '.join(Filters.model_fields)}."
        raise InputError(violation.key, violation.expected, violation.got, remedy) from None


def apply_filters(catalog: MovieCatalog, filters: Filters, candidates: Mask) -> tuple[Mask, str]:
    """Return the candidates that pass all filters, and why none is left.

    Args:
        catalog: the movies.
        filters: the conditions.
        candidates: movies that may be recommended.

    Returns:
        The mask, and a sentence that is blank if any movie is left.

    Raises:
        InputError: no movie has such a genre, language or country, or no runtime is known.
    """
    mask = candidates.copy()
    for condition, passing in _conditions(catalog, filters):
        n_before = int(mask.sum())
        mask &= passing
        if n_before and not mask.any():
            return mask, f"None of the {n_before:,} movies before this filter is {condition}."
    return mask, "" if mask.any() else NO_CANDIDATES


def _conditions(catalog: MovieCatalog, filters: Filters) -> Iterator[tuple[str, Mask]]:
    """Yield each condition as words, and the movies that meet it."""
    for name in filters.genres:
        yield f"of the genre {name}", _genre_mask(catalog, name)
    for name in filters.exclude_genres:
        yield f"of another genre than {name}", ~_genre_mask(catalog, name)
    if filters.since is not None:
        yield f"of {filters.since} or later", catalog.year_numbers >= filters.since
    if filters.until is not None:
        yield f"of {filters.until} or earlier", catalog.year_numbers <= filters.until
    if filters.min_runtime is not None:
        yield f"of {filters.min_runtime:,} minutes or more", _runtimes(catalog) >= filters.min_runtime
    if filters.max_runtime is not None:
        yield f"of {filters.max_runtime:,} minutes or less", _runtimes(catalog) <= filters.max_runtime
    if filters.language is not None:
        yield (
            f"in {filters.language}",
            _name_mask(catalog.languages, "language", filters.language, LANGUAGE_NAMES),
        )
    if filters.country is not None:
        yield (
            f"from {filters.country}",
            _name_mask(catalog.countries, "country", filters.country, COUNTRY_NAMES),
        )
    if filters.min_ratings:
        yield f"rated {filters.min_ratings:,} times or more", catalog.rating_counts >= filters.min_ratings
    if filters.exclude_popular:
        most = np.quantile(catalog.rating_counts, POPULAR_QUANTILE)
        yield f"rated {most:,.0f} times or less", catalog.rating_counts <= most


def _genre_mask(catalog: MovieCatalog, name: str) -> Mask:
    key = genre_key(name)
    known = {genre_key(genre): genre for genre in catalog.all_genres}
    if key not in known:
        raise _unknown("genre", name, list(known.values()))
    return np.array([known[key] in genres for genres in catalog.genre_lists], bool)


def _runtimes(catalog: MovieCatalog) -> Float64[np.ndarray, " movies"]:
    if np.isnan(catalog.runtimes).all():
        raise _unknown("runtime", "a number of minutes", [])
    return catalog.runtimes


def _name_mask(values: Sequence[str | None], field: str, name: str, names: IsoNames) -> Mask:
    keys = {value: names.key(value) for value in set(values) if value}
    key = names.key(name)
    mask = np.array([value is not None and keys.get(value) == key for value in values], bool)
    if not mask.any():
        raise _unknown(field, name, sorted({names.english(value) for value in keys}))
    return mask


def _unknown(field: str, name: str, known: Sequence[str]) -> InputError:
    expected = f"one of {', '.join(known)}" if known else f"no filter: no movie has a {field}"
    remedy = f"Choose a {field} of the bundle's movies." if known else "Leave the filter out."
    return InputError(field, expected, name, remedy)
