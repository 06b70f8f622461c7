"""Lists of records or names in cells, as JSON or Python literals: TMDB's genres, cast and crew."""

from __future__ import annotations

import ast
import json
import math
import warnings
from dataclasses import dataclass

import pyarrow as pa

from reelgraph.sources.titles import ArrowColumn

WRITER_JOBS = ("Screenplay", "Writer", "Story", "Author", "Novel")
"""Jobs that count as writer_1; the first in this order has precedence."""

PARSE_ERRORS = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)

MAX_NESTING = 50
"""Consecutive brackets. A list of records has fewer, and Python's parser crashes on very many."""


@dataclass
class JsonListParser:
    """Parses cells with a list of records or names, as JSON or Python literals, without evaluating code."""

    malformed: int = 0
    """Number of cells that are no such list."""

    def names(self, column: ArrowColumn, count: int) -> list[pa.Array]:
        """Return arrays with the first, second, … name of each cell; null where it has fewer names."""
        names = [_texts(records, "name") for records in self._records(column)]
        return [_entry(names, index) for index in range(count)]

    def cast(self, column: ArrowColumn, count: int) -> list[pa.Array]:
        """Return the same arrays for records sorted by their ``order``."""
        names = [_texts(sorted(records, key=_order), "name") for records in self._records(column)]
        return [_entry(names, index) for index in range(count)]

    def crew(self, column: ArrowColumn) -> tuple[pa.Array, pa.Array]:
        """Return the first director and the first writer of each cell."""
        records = self._records(column)
        directors = [_names_with_job(crew, ("Director",)) for crew in records]
        writers = [_names_with_job(crew, WRITER_JOBS) for crew in records]
        return _entry(directors, 0), _entry(writers, 0)

    def _records(self, column: ArrowColumn) -> list[list[dict]]:
        return [self._parse(cell) for cell in column.to_pylist()]

    def _parse(self, cell: str | None) -> list[dict]:
        if not cell or not cell.strip():
            return []
        try:
            value = _parse_literal(cell)
        except PARSE_ERRORS:
            value = None
        if isinstance(value, list) and all(isinstance(record, dict | str) for record in value):
            return [{"name": record} if isinstance(record, str) else record for record in value]
        self.malformed += 1
        return []


def _parse_literal(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if any(bracket * MAX_NESTING in cell for bracket in "[({-"):
        raise ValueError("too deep")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names with a backslash
        return ast.literal_eval(cell)


def _order(record: dict) -> int | float:
    order = record.get("order")
    # Python compares integers of any size with floats.
    return order if isinstance(order, int | float) and order == order else math.inf


def _texts(records: list[dict], key: str) -> list[str]:
    values = (record.get(key) for record in records)
    # JSON may escape half of a surrogate pair, which UTF-8 cannot encode.
    encodable = (value.encode("utf-8", "ignore").decode() for value in values if isinstance(value, str))
    return [value for value in encodable if value.strip()]


def _names_with_job(crew: list[dict], jobs: tuple[str, ...]) -> list[str]:
    return [name for job in jobs for name in _texts([p for p in crew if p.get("job") == job], "name")]


def _entry(lists: list[list[str]], index: int) -> pa.Array:
    """Return the entry at ``index`` of each list; null where the list is shorter."""
    return pa.array([names[index] if len(names) > index else None for names in lists], pa.string())
