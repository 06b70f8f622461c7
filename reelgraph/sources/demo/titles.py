"""Titles: about the first theme and the hero, and no two alike."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from reelgraph.core.seeds import generator
from reelgraph.sources.demo.movies import Movies
from reelgraph.sources.demo.names import joined, words
from reelgraph.sources.demo.sentences import Slots, written
from reelgraph.sources.demo.themes import THEMES
from reelgraph.sources.demo.words import TITLE_WORDS

PATTERNS = (
    "The {word} {noun}",
    "{word} {noun}",
    "{noun} in {place}",
    "{surname}'s {noun}",
    "{noun} and {other}",
    "{first} and the {word} {noun}",
    "The {noun} of {hero}",
    "The {word} {noun} of {place}",
    "A {noun} for {first}",
    "{hero}",
)

NOUNS = tuple(t.key.title() for t in THEMES) + tuple(t.title for t in THEMES)
"""Each theme has two title words: its key, and another that lies len(THEMES) further on."""


def titles(slots: Slots, movies: Movies, seed: int) -> pa.Array:
    """Write a title for each movie.

    What has been used gets a subtitle, and where that has been used too, a number.
    """
    rng, count = generator(seed, "demo/title"), len(movies.genre)
    more = {
        "noun": words(NOUNS, movies.themes[:, 0] + len(THEMES) * rng.integers(0, 2, count)),
        "other": words(NOUNS, movies.themes[:, 1] + len(THEMES) * rng.integers(0, 2, count)),
        "word": words(TITLE_WORDS, rng.integers(0, len(TITLE_WORDS), count)),
    }
    first = written(PATTERNS, rng.integers(0, len(PATTERNS), count), {**slots, **more})
    noun = words(NOUNS, movies.themes[:, 2] + len(THEMES) * rng.integers(0, 2, count))
    subtitle = joined(words([f": The {word} " for word in TITLE_WORDS],
                            rng.integers(0, len(TITLE_WORDS), count)), noun)  # fmt: skip
    longer = joined(first, pc.if_else(pa.array(_times_before(first) > 0), subtitle, ""))
    times = _times_before(longer)
    return joined(longer, words(["", *(f" {number + 2}" for number in range(int(times.max())))], times))


def _times_before(texts: pa.Array) -> Int64[np.ndarray, "movies"]:
    """Count how often each text stands in an earlier row."""
    return texts.to_pandas().groupby(texts.to_pandas()).cumcount().to_numpy().astype(np.int64)
