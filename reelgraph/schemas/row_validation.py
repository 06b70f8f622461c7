"""Finding the rows of a table that break a rule, and saying so for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from reelgraph.core.table_engine import collect
from reelgraph.runtime.errors import InputError

SHOWN_ROWS = 3
SHOWN_CELLS = 4
SHOWN_CHARS = 60

RowLocator: TypeAlias = Callable[[int], str]
"""Names a row for people, such as ``line 17``, by its number in the table, from 0."""


def format_row_number(row: int) -> str:
    """Name a row of a file that has no lines, counted from 1."""
    return f"row {row + 1:,}"


@dataclass(frozen=True)
class Rule:
    """Something that no row may be."""

    violated: ir.BooleanValue
    message: str
    """What is wrong with such a row: ``rating is above 5``."""
    remedy: str


@dataclass(frozen=True)
class RowValidator:
    """A table whose columns bear the file's names, and how to speak of it."""

    table: ir.Table
    where: str
    locate: RowLocator

    def check(self, rules: Sequence[Rule], key: Sequence[str]) -> None:
        """Look for all violations at once.

        Args:
            rules: what no row may be; one scan counts the breaches of all.
            key: columns that must differ from row to row; none: no such rule.

        Raises:
            InputError: there are no rows, or some break a rule; lists counts and first rows.
        """
        found = self._broken(rules)
        problems = [self._shown(rule, count) for rule, count in found]
        remedies = [rule.remedy for rule, _ in found]
        if key and (twice := self._repeated(key)):
            problems.append(twice)
            remedies.append(f"Keep one row for each {' and '.join(key)}.")
        if problems:
            raise InputError(self.where, "rows that keep the contract", "; ".join(problems),
                             " ".join(dict.fromkeys(remedies)))  # fmt: skip

    def _broken(self, rules: Sequence[Rule]) -> list[tuple[Rule, int]]:
        sums = {f"rule_{i}": rule.violated.sum() for i, rule in enumerate(rules)}
        counts = collect(self.table.aggregate(rows_=self.table.count(), **sums), self.where).to_pylist()[0]
        if not counts["rows_"]:
            raise InputError(self.where, "at least one row", "none", "Check that the file is complete.")
        return [(rule, n) for i, rule in enumerate(rules) if (n := counts[f"rule_{i}"])]

    def _shown(self, rule: Rule, count: int) -> str:
        numbered = self.table.mutate(row_=ibis.row_number(), broken_=rule.violated)
        first = numbered.filter(numbered.broken_).drop("broken_").order_by("row_").limit(SHOWN_ROWS)
        rows = collect(first, self.where).to_pylist()
        shown = ", ".join(f"{self.locate(row.pop('row_'))} ({_cells(row)})" for row in rows)
        return f"{rule.message} in {count:,} {_rows(count)}, first at {shown}"

    def _repeated(self, key: Sequence[str]) -> str:
        known = self.table.select(*key).drop_null(how="any")
        *outer, last = key
        # By sorting: a hash table of all keys takes twice the time and the memory.
        ahead = known.mutate(ahead_=known[last].lag().over(group_by=outer, order_by=last))
        twice = ahead.filter(ahead.ahead_ == ahead[last]).select(*key).distinct()
        count = collect(twice.aggregate(n=twice.count()), self.where)["n"][0].as_py()
        if not count:
            return ""
        first = collect(twice.order_by(*key).limit(SHOWN_ROWS), self.where).to_pylist()
        shown = ", ".join(self._copies({name: row[name] for name in key}) for row in first)
        return f"{' and '.join(key)} more than once, {count:,} times: {shown}"

    def _copies(self, values: dict[str, object]) -> str:
        numbered = self.table.mutate(row_=ibis.row_number())
        same = numbered.filter([numbered[name] == value for name, value in values.items()])
        rows = collect(same.select("row_").order_by("row_").limit(SHOWN_ROWS), self.where)
        return f"{_cells(values)} at {', '.join(map(self.locate, rows['row_'].to_pylist()))}"


def _rows(count: int) -> str:
    return "row" if count == 1 else "rows"


def _cells(row: dict[str, object]) -> str:
    cells = (f"{name} {str(value)[:SHOWN_CHARS]}" for name, value in list(row.items())[:SHOWN_CELLS])
    return ", ".join(cells)
