"""Embeddings for other tools: word2vec's text format, and TSV files for TensorBoard's Projector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from reelgraph.app.bundle.library import Library
from reelgraph.runtime.atomic_io import write_text

Vectors = Float32[np.ndarray, "movies dim"]

COLUMNS = ("movieId", "title", "year", "genre", "ratings")


def write_word2vec(library: Library, vectors: Vectors, path: Path) -> None:
    """Write a line with the counts, then a line a movie: its movieId, a space, its numbers.

    Numbers are the shortest that are the same float32 again.
    """
    head = f"{len(vectors)} {vectors.shape[1]}\n"
    each = zip(library.movie_ids.tolist(), _numbers(vectors, " "), strict=True)
    write_text(head + "".join(f"{movie} {numbers}\n" for movie, numbers in each), path)


def write_projector(library: Library, vectors: Vectors, path: Path) -> None:
    """Write the vectors, and ``metadata.tsv`` beside them: what to load at projector.tensorflow.org."""
    write_text("".join(f"{numbers}\n" for numbers in _numbers(vectors, "\t")), path)
    rows = zip(library.movie_ids.tolist(), library.titles, library.years, library.genres,
               library.ratings.tolist(), strict=True)  # fmt: skip
    lines = ("\t".join("" if cell is None else " ".join(str(cell).split()) for cell in row) for row in rows)
    write_text(
        "\t".join(COLUMNS) + "\n" + "".join(f"{line}\n" for line in lines), path.with_name("metadata.tsv")
    )


def _numbers(vectors: Vectors, separator: str) -> Iterator[str]:
    return (separator.join(map(str, row)) for row in vectors)
