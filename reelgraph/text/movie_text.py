"""The text of a movie: its tagline and its overview."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

EMPTY = "[empty]"
"""The text of a movie without tagline and overview."""


def movie_texts(movies: pa.Table) -> pa.ChunkedArray:
    """Return tagline, one space, overview; each stripped, what is missing or blank left out.

    Args:
        movies: table with the text columns ``tagline`` and ``overview``, one row a movie.

    Returns:
        One non-empty string a movie, in row order; ``[empty]`` where nothing is left (SPEC, bert_encode).
    """
    parts = [pc.fill_null(pc.utf8_trim_whitespace(movies[name]), "") for name in ("tagline", "overview")]
    joined = pc.utf8_trim_whitespace(pc.binary_join_element_wise(*parts, " "))
    return pc.if_else(pc.equal(joined, ""), EMPTY, joined)


def count_texts(texts: pa.ChunkedArray) -> dict[str, int | float]:
    """Count the movies and those with a text; the share is 0 for no movie at all."""
    nonempty = len(texts) - (pc.sum(pc.equal(texts, EMPTY)).as_py() or 0)
    share = nonempty / len(texts) if len(texts) else 0.0
    return {"movies": len(texts), "nonempty": nonempty, "nonempty_fraction": round(share, 6)}
