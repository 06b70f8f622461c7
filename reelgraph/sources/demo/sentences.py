"""Sentences from templates, for all movies at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from reelgraph.sources.demo.names import joined

Slots = Mapping[str, pa.Array]
"""What stands for {name} in a template, one text a movie."""


def written(templates: Sequence[str], choice: Int64[np.ndarray, "movies"], slots: Slots) -> pa.Array:
    """Fill each movie's chosen template with the movie's words.

    Args:
        templates: sentences with {slots}; an empty one is no sentence.
        choice: index of the template of each movie.
        slots: texts by name.
    """
    order = np.argsort(choice, kind="stable")
    cuts = np.searchsorted(choice[order], np.arange(len(templates) + 1))
    texts = [
        _filled(template, order[start:end], slots)
        for template, start, end in zip(templates, cuts[:-1], cuts[1:], strict=True)
    ]
    return pa.concat_arrays(texts).take(pa.array(np.argsort(order, kind="stable")))


def _filled(template: str, rows: Int64[np.ndarray, "chosen"], slots: Slots) -> pa.Array:
    taken = pa.array(rows)
    columns = [pa.repeat("", len(rows))]
    for literal, name, _, _ in Formatter().parse(template):
        columns.append(pa.repeat(literal, len(rows)))
        if name:
            columns.append(slots[name].take(taken))
    return joined(*columns)
