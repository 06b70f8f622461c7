"""What the commands for people print, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelgraph.app.bundle.answers import Predicted, Similar
    from reelgraph.app.rating_imports.reading import Matched

SHOWN = 30
"""Rows that weren't found are shown up to so many; --json has all."""


def predictions(found: Sequence[Predicted], numbered: bool = False) -> str:
    """Return a movie a paragraph: stars, interval, reasons."""
    return "\n".join(line for at, each in enumerate(found, 1) for line in _prediction(each, at * numbered))


def _prediction(each: Predicted, number: int) -> list[str]:
    first = f"{number:>3}. " if number else ""
    lines = [f"{first}{named(each.title, each.year)}  {each.stars:.2f} stars{_interval(each)}"]
    indent = " " * (len(first) + 4 if number else 4)
    for reason in each.reasons:
        shared = f" ({', '.join(reason.shared)})" if reason.shared else ""
        lines.append(f"{indent}{reason.added:+.2f}  you gave {reason.title} {reason.gave:g}{shared}")
    return lines


def _interval(each: Predicted) -> str:
    return "" if each.low is None else f", with 80 % from {each.low:g} to {each.high:g}"


def named(title: str, year: int | None) -> str:
    """Return title and year."""
    return title if year is None else f"{title} ({year})"


def similar(found: Sequence[Similar]) -> str:
    """Return a movie a line: cosine, name, what both have."""
    return "\n".join(
        f"{each.likeness:6.3f}  {named(each.title, each.year)}"
        + (f"  shares {', '.join(each.shared)}" if each.shared else "")
        for each in found
    )


def ratings(matched: Matched) -> str:
    """Return what was read, which scale, what was found how, what was not, and why."""
    file = matched.file
    halved = ", a scale of 1 to 10, which is halved" if file.scale == 10 else ""
    lines = [f"{file.rows:,} rows as {file.site} writes them{halved}.",
             f"{len(matched.found):,} matched: {_listed(matched.counts) or 'none'}."]  # fmt: skip
    if matched.passed:
        lines.append(f"{len(matched.passed):,} not: {_listed(matched.reasons)}.")
        lines += [f"  line {each.line:,}: {each.title or '–'}: {each.why}" for each in matched.passed[:SHOWN]]
        more = len(matched.passed) - SHOWN
        lines += [f"  … and {more:,} more; --json has all."] if more > 0 else []
    return "\n".join(lines)


def _listed(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name}: {count:,}" for name, count in ordered)
