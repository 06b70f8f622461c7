"""Rows of single targets, small enough for git, by which two commits are compared target by target.

At most ``MAX_ROWS`` targets are drawn. The draw depends on nothing but their number, so that two runs on
the same targets hold the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from reelgraph.core.seeds import generator, subsample
from reelgraph.runtime.atomic_io import write_text

MAX_ROWS = 5000
DIGITS = 4
"""Decimals of a number: the RMSE of rounded predictions differs by less than a millionth star."""

Columns = Mapping[str, np.ndarray]
"""Column → value of each target."""


def write_target_rows(columns: Columns, n_keys: int, path: Path | str) -> None:
    """Write targets as TSV, sorted by their keys.

    Args:
        columns: integers, numbers or names without tabs.
        n_keys: number of columns, from the first, that identify a target.
        path: the file.
    """
    values = list(columns.values())
    rows = draw_rows(values[:n_keys])
    lines = ["\t".join(_format_value(column[row]) for column in values) for row in rows]
    write_text("\n".join(["\t".join(columns), *lines]) + "\n", path)


def draw_rows(keys: Sequence[np.ndarray]) -> Int64[np.ndarray, " rows"]:
    """Return the rows of at most ``MAX_ROWS`` targets, sorted by their keys.

    Args:
        keys: columns that identify a target, the most significant first.
    """
    order = np.lexsort(list(keys)[::-1])
    return order[subsample(np.arange(len(order)), MAX_ROWS, generator(0, "target rows"))]


def _format_value(value: np.generic) -> str:
    return f"{value:.{DIGITS}f}".rstrip("0").rstrip(".") if isinstance(value, np.floating) else str(value)


def parse_target_rows(text: str, types: Mapping[str, type]) -> dict[str, np.ndarray]:
    """Return the columns of a file of ``write_target_rows``.

    Args:
        text: content of the file.
        types: column → type of its values; other columns are left out.

    Raises:
        ValueError: a column is missing, or a row is incomplete or holds values of other types.
    """
    header, *lines = [line.split("\t") for line in text.splitlines()]
    rows: Sequence[Sequence[str]] = lines
    if missing := [name for name in types if name not in header]:
        raise ValueError(f"no column {', '.join(missing)}")
    if any(len(row) != len(header) for row in rows):
        raise ValueError(f"a row without {len(header)} values")
    return {
        name: np.array([value_type(row[header.index(name)]) for row in rows], value_type)
        for name, value_type in types.items()
    }
