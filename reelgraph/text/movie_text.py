"""The text of a movie: its tagline and its overview."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

EMPTY_TEXT = "[empty]"
"""The text of a movie without tagline and overview."""


def movie_texts(movies: pa.Table) -> pa.ChunkedArray:
    """Return the tagline and the overview of each movie, stripped and joined by a space.

    Args:
        movies: table with the string columns ``tagline`` and ``overview``, one row per movie.

    Returns:
        One non-empty string per movie, in row order; ``[empty]`` if the movie has neither
        (docs/reference.md, bert_encode).
    """
    parts = [pc.fill_null(pc.utf8_trim_whitespace(movies[name]), "") for name in ("tagline", "overview")]
    texts = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " "))
    return pc.if_else(pc.equal(texts, ""), EMPTY_TEXT, texts)


def count_texts(texts: pa.ChunkedArray) -> dict[str, int | float]:
    """Return the number of movies, the number with a text, and their fraction (0 if there is no movie)."""
    nonempty = len(texts) - (pc.sum(pc.equal(texts, EMPTY_TEXT)).as_py() or 0)
    fraction = nonempty / len(texts) if len(texts) else 0.0
    return {"movies": len(texts), "nonempty": nonempty, "nonempty_fraction": round(fraction, 6)}
