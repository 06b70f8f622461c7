"""Names of people, characters and companies, made from word lists for a whole column at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64, Int64

from reelgraph.sources.demo.words import COMPANY_ENDS, COMPANY_WORDS, CULTURES

ACTOR_STEP, MAKER_STEP = 7919, 6007
"""Primes: multiples of one, modulo the number of names, go through all names without a pattern."""

LETTERS = 26


def words(list_: Sequence[str], index: Int64[np.ndarray, "movies"]) -> pa.Array:
    """Return the word of each index."""
    return pa.array(list_, pa.string()).take(pa.array(index))


def joined(*columns: pa.Array, by: str = "") -> pa.Array:
    """Join the columns' texts row by row."""
    return pc.binary_join_element_wise(*columns, by)


@dataclass(frozen=True)
class _Lists:
    """Word lists of all cultures, one after the other."""

    words: tuple[str, ...]
    start: Int64[np.ndarray, "cultures"]
    size: Int64[np.ndarray, "cultures"]

    @classmethod
    def of(cls, lists: Sequence[tuple[str, ...]]) -> _Lists:
        size = np.array([len(one) for one in lists])
        return cls(sum(lists, ()), np.cumsum(size) - size, size)

    def at(self, culture: Int64[np.ndarray, "movies"], place: Int64[np.ndarray, "movies"]) -> pa.Array:
        return words(self.words, self.start[culture] + place)

    def drawn(self, culture: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]) -> pa.Array:
        return self.at(culture, (uniform * self.size[culture]).astype(np.int64))


_WOMEN = _Lists.of([c.women for c in CULTURES])
_MEN = _Lists.of([c.men for c in CULTURES])
_FIRST = _Lists.of([c.women + c.men for c in CULTURES])
_LAST = _Lists.of([c.surnames for c in CULTURES])


def people(culture: Int64[np.ndarray, "movies"], index: Int64[np.ndarray, "movies"], step: int) -> pa.Array:
    """Return the full name of each person of a culture; different persons have different names.

    When all pairs of first name and surname are used up, they start again with a middle initial.
    """
    pairs = _FIRST.size[culture] * _LAST.size[culture]
    pair, again = index * step % pairs, index // pairs
    first = _FIRST.at(culture, pair % _FIRST.size[culture])
    last = _LAST.at(culture, pair // _FIRST.size[culture])
    return joined(first, words([_initials(i) for i in range(int(again.max()) + 1)], again), last)


def _initials(number: int) -> str:
    """Return " " for 0, " A. " … " Z. " for 1 … 26, then " A. A. " and so on."""
    letters = ""
    while number > 0:
        number, letter = divmod(number - 1, LETTERS)
        letters = f" {chr(ord('A') + letter)}.{letters}"
    return f"{letters} "


def first_names(
    culture: Int64[np.ndarray, "movies"],
    woman: Bool[np.ndarray, "movies"],
    uniform: Float64[np.ndarray, "movies"],
) -> pa.Array:
    """Draw a character's first name."""
    women, men = _WOMEN.drawn(culture, uniform), _MEN.drawn(culture, uniform)
    return pc.if_else(pa.array(woman), women, men)


def surnames(culture: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]) -> pa.Array:
    """Draw a character's surname."""
    return _LAST.drawn(culture, uniform)


MOST_COMPANIES = len(COMPANY_WORDS) * len(COMPANY_ENDS) * (len(COMPANY_WORDS) - 1)
"""Companies that have names of their own."""


def companies(index: Int64[np.ndarray, "movies"]) -> pa.Array:
    """Return each company's name: a word and an ending, or two words and an ending."""
    pairs = len(COMPANY_WORDS) * len(COMPANY_ENDS)
    pair, again = index * ACTOR_STEP % pairs, index // pairs
    first = pair % len(COMPANY_WORDS)
    second = words(["", *(f"{word} " for word in COMPANY_WORDS)],
                   np.where(again > 0, (first + again) % len(COMPANY_WORDS) + 1, 0))  # fmt: skip
    end = words(COMPANY_ENDS, pair // len(COMPANY_WORDS))
    return joined(words([f"{word} " for word in COMPANY_WORDS], first), second, end)
