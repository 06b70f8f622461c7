"""Cells that hold a list of records, as JSON or as a Python literal; never evaluated."""

from __future__ import annotations

import ast
import json
import math
import warnings
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from reelgraph.sources.columns import Values

WRITER_JOBS = ("Screenplay", "Writer", "Story", "Author", "Novel")
"""Who counts as writer_1; earlier jobs win over later ones."""

MALFORMED = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)

DEEPEST = 50
"""Brackets in a row; more are no list of records, and Python's parser crashes on very many."""


@dataclass
class Cells:
    """Reads columns of such cells; counts those that are no list of records."""

    malformed: int = 0

    def names(self, column: Values, count: int) -> list[pa.Array]:
        """Return the first ``count`` names of each cell, one array a place, null where it has fewer."""
        lists = self._records(column).map(lambda records: _texts(records, "name"))
        return [_place(lists, place) for place in range(count)]

    def cast(self, column: Values, count: int) -> list[pa.Array]:
        """Return the first names by the records' ``order``, as ``names`` does."""
        lists = self._records(column).map(lambda records: _texts(sorted(records, key=_order), "name"))
        return [_place(lists, place) for place in range(count)]

    def crew(self, column: Values) -> tuple[pa.Array, pa.Array]:
        """Return the first director and the first writer of each cell."""
        records = self._records(column)
        directors = records.map(lambda crew: _with_job(crew, ("Director",)))
        writers = records.map(lambda crew: _with_job(crew, WRITER_JOBS))
        return _place(directors, 0), _place(writers, 0)

    def _records(self, column: Values) -> pd.Series:
        return pd.Series(column.to_pylist(), dtype=object).map(self._parse)

    def _parse(self, cell: str | None) -> list[dict]:
        if not cell or not cell.strip():
            return []
        try:
            found = _literal(cell)
        except MALFORMED:
            found = None
        if isinstance(found, list) and all(isinstance(record, dict) for record in found):
            return found
        self.malformed += 1
        return []


def _literal(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if "[" * DEEPEST in cell or "(" * DEEPEST in cell or "{" * DEEPEST in cell or "-" * DEEPEST in cell:
        raise ValueError("too deep")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names with a backslash
        return ast.literal_eval(cell)


def _order(record: dict) -> int | float:
    order = record.get("order")
    # Python compares whole numbers of any size with floats.
    return order if isinstance(order, int | float) and order == order else math.inf


def _texts(records: list[dict], key: str) -> list[str]:
    values = (record.get(key) for record in records)
    whole = (value.encode("utf-8", "ignore").decode() for value in values if isinstance(value, str))
    return [value for value in whole if value.strip()]  # JSON may escape half a sign, which no file can hold


def _with_job(crew: list[dict], jobs: tuple[str, ...]) -> list[str]:
    return [name for job in jobs for name in _texts([p for p in crew if p.get("job") == job], "name")]


def _place(lists: pd.Series, place: int) -> pa.Array:
    return pa.array([names[place] if len(names) > place else None for names in lists], pa.string())
