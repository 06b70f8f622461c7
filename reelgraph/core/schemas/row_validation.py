"""Finding the rows of a table that violate rules, and describing them in an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from reelgraph.core.table_engine import collect
from reelgraph.runtime.errors import InputError

MAX_SHOWN_ROWS = 3
MAX_SHOWN_CELLS = 4
MAX_SHOWN_CHARS = 60

RowLocator: TypeAlias = Callable[[int], str]
"""Describes the location of a row, such as ``line 17``, by its number in the table, counted from 0."""


def format_row_number(row: int) -> str:
    """Describe a row of a file without lines, counted from 1."""
    return f"row {row + 1:,}"


@dataclass(frozen=True)
class Rule:
    """A condition that no row may satisfy."""

    violated: ir.BooleanValue
    message: str
    """What is wrong with such a row: ``rating is above 5``."""
    remedy: str


@dataclass(frozen=True)
class RowValidator:
    """Checks the rows of a table, whose columns have the names of the file."""

    table: ir.Table
    where: str
    """The file, for errors."""
    locate: RowLocator

    def check(self, rules: Sequence[Rule], key: Sequence[str]) -> None:
        """Check all rules and the key.

        Args:
            rules: conditions that no row may satisfy; one scan counts the violations of all.
            key: columns whose values together are unique; empty: no such rule.

        Raises:
            InputError: there are no rows, or some violate a rule; lists counts and the first rows.
        """
        violated = self._violated_rules(rules)
        problems = [self._describe(rule, count) for rule, count in violated]
        remedies = [rule.remedy for rule, _ in violated]
        if key and (duplicates := self._duplicates(key)):
            problems.append(duplicates)
            remedies.append(f"Keep one row for each {' and '.join(key)}.")
        if problems:
            raise InputError(self.where, "valid rows", "; ".join(problems),
                             " ".join(dict.fromkeys(remedies)))  # fmt: skip

    def _violated_rules(self, rules: Sequence[Rule]) -> list[tuple[Rule, int]]:
        sums = {f"rule_{number}": rule.violated.sum() for number, rule in enumerate(rules)}
        counts = collect(self.table.aggregate(rows_=self.table.count(), **sums), self.where).to_pylist()[0]
        if not counts["rows_"]:
            raise InputError(self.where, "at least one row", "none", "Check that the file is complete.")
        pairs = [(rule, counts[f"rule_{number}"]) for number, rule in enumerate(rules)]
        return [(rule, count) for rule, count in pairs if count]

    def _describe(self, rule: Rule, count: int) -> str:
        numbered = self.table.mutate(row_=ibis.row_number(), violated_=rule.violated)
        violating = numbered.filter(numbered.violated_).drop("violated_")
        rows = collect(violating.order_by("row_").limit(MAX_SHOWN_ROWS), self.where).to_pylist()
        examples = ", ".join(f"{self.locate(row.pop('row_'))} ({_format_cells(row)})" for row in rows)
        return f"{rule.message} in {count:,} {'row' if count == 1 else 'rows'}, first at {examples}"

    def _duplicates(self, key: Sequence[str]) -> str:
        keys = self.table.select(*key).drop_null(how="any")
        *outer, last = key
        # By sorting: a hash table of all keys would take twice the time and memory.
        with_previous = keys.mutate(previous_=keys[last].lag().over(group_by=outer, order_by=last))
        is_duplicate = with_previous.previous_ == with_previous[last]
        duplicates = with_previous.filter(is_duplicate).select(*key).distinct()
        count = collect(duplicates.aggregate(n=duplicates.count()), self.where)["n"][0].as_py()
        if not count:
            return ""
        first = collect(duplicates.order_by(*key).limit(MAX_SHOWN_ROWS), self.where).to_pylist()
        examples = ", ".join(self._describe_copies({name: row[name] for name in key}) for row in first)
        cases = "1 case" if count == 1 else f"{count:,} cases"
        return f"{' and '.join(key)} more than once in {cases}: {examples}"

    def _describe_copies(self, values: dict[str, object]) -> str:
        numbered = self.table.mutate(row_=ibis.row_number())
        copies = numbered.filter([numbered[name] == value for name, value in values.items()])
        rows = collect(copies.select("row_").order_by("row_").limit(MAX_SHOWN_ROWS), self.where)
        return f"{_format_cells(values)} at {', '.join(map(self.locate, rows['row_'].to_pylist()))}"


def _format_cells(row: dict[str, object]) -> str:
    cells = list(row.items())[:MAX_SHOWN_CELLS]
    return ", ".join(f"{name} {str(value)[:MAX_SHOWN_CHARS]}" for name, value in cells)
