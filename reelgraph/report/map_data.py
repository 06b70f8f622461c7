"""The map of all movies as the page's script reads it: arrays in base64, titles as a list."""

from __future__ import annotations

import base64
import json

import numpy as np
import pyarrow as pa

from reelgraph.schemas.vectors import MapLayout

COLOURED = 9
"""Genres that have a colour of their own, the most frequent; more can't be told apart."""
STEPS = 65535


def payload(movies: pa.Table, placed: MapLayout) -> str:
    """Return JSON that is safe inside a script element.

    Args:
        movies: movie_id, original_title, release_year and genre_1, in the map's row order.
        placed: places and neighbours.
    """
    ids = movies["movie_id"].to_pylist()
    titles = movies["original_title"].to_pylist()
    genres, genre = _genres(movies["genre_1"].to_pylist())
    years = np.nan_to_num(movies["release_year"].to_numpy().astype(np.float64)).astype("<i2")
    found = {
        "x": _packed(_steps(placed.x, placed), "<u2"),
        "y": _packed(_steps(placed.y, placed), "<u2"),
        "neighbours": _packed(placed.neighbours, "<u4"),
        "nearest": placed.neighbours.shape[1],
        "genre": _packed(genre, "u1"),
        "genres": genres,
        "coloured": min(COLOURED, len(genres) - 1),
        "year": _packed(years, "<i2"),
        "titles": [title or f"Unknown ({movie})" for title, movie in zip(titles, ids, strict=True)],
    }
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _genres(names: list[str | None]) -> tuple[list[str], np.ndarray]:
    """Return the genres, the most frequent first, and each movie's; the last is that of movies without."""
    counts: dict[str, int] = {}
    for each in names:
        if each:
            counts[each] = counts.get(each, 0) + 1
    ordered = sorted(counts, key=lambda key: (-counts[key], key))[:254]
    place = {each: at for at, each in enumerate(ordered)}
    return [*ordered, "no genre"], np.array([place.get(each or "", len(ordered)) for each in names], np.uint8)


def _steps(values: np.ndarray, placed: MapLayout) -> np.ndarray:
    """Put one axis on 16 bits; both axes keep one scale, so that distances stay true."""
    width = max(np.ptp(placed.x), np.ptp(placed.y)) or 1.0
    middle = (values.max() + values.min()) / 2
    return np.rint(((values - middle) / width + 0.5) * STEPS)


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values).astype(kind).tobytes()).decode()
