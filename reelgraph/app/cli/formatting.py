"""What the commands for people print, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelgraph.app.bundle.results import MoviePrediction, SimilarMovie
    from reelgraph.app.rating_imports.ratings_file import MatchedRatings

MAX_SKIPPED_SHOWN = 30
"""Rows that weren't found are shown up to so many; --json has all."""


def format_predictions(found: Sequence[MoviePrediction], numbered: bool = False) -> str:
    """Return a movie a paragraph: stars, interval, reasons."""
    return "\n".join(line for at, each in enumerate(found, 1) for line in _prediction(each, at * numbered))


def _prediction(each: MoviePrediction, number: int) -> list[str]:
    first = f"{number:>3}. " if number else ""
    lines = [f"{first}{format_title(each.title, each.year)}  {each.stars:.2f} stars{_interval(each)}"]
    indent = " " * (len(first) + 4 if number else 4)
    for reason in each.reasons:
        shared = f" ({', '.join(reason.shared_entities)})" if reason.shared_entities else ""
        lines.append(f"{indent}{reason.contribution:+.2f}  you gave {reason.title} {reason.stars:g}{shared}")
    return lines


def _interval(each: MoviePrediction) -> str:
    return "" if each.low is None else f", with 80 % from {each.low:g} to {each.high:g}"


def format_title(title: str, year: int | None) -> str:
    """Return title and year."""
    return title if year is None else f"{title} ({year})"


def format_similar(found: Sequence[SimilarMovie]) -> str:
    """Return a movie a line: cosine, name, what both have."""
    return "\n".join(
        f"{each.similarity:6.3f}  {format_title(each.title, each.year)}"
        + (f"  shares {', '.join(each.shared_entities)}" if each.shared_entities else "")
        for each in found
    )


def format_matches(matched: MatchedRatings) -> str:
    """Return what was read, which scale, what was found how, what was not, and why."""
    file = matched.file
    halved = ", a scale of 1 to 10, which is halved" if file.scale == 10 else ""
    lines = [f"{file.rows:,} rows as {file.site} writes them{halved}.",
             f"{len(matched.matches):,} matched: {_listed(matched.match_counts) or 'none'}."]  # fmt: skip
    if matched.skipped:
        lines.append(f"{len(matched.skipped):,} not: {_listed(matched.skip_counts)}.")
        lines += [
            f"  line {each.line:,}: {each.title or '–'}: {each.reason}"
            for each in matched.skipped[:MAX_SKIPPED_SHOWN]
        ]
        more = len(matched.skipped) - MAX_SKIPPED_SHOWN
        lines += [f"  … and {more:,} more; --json has all."] if more > 0 else []
    return "\n".join(lines)


def _listed(counts: dict[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name}: {count:,}" for name, count in ordered)
