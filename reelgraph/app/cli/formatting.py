"""The commands' results as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelgraph.app.bundle.results import MoviePrediction, SimilarMovie
    from reelgraph.app.rating_imports.matching import MatchedRatings

CHOICE_HINT = (
    "To choose one of an ambiguous title's movies, add a column movieId with its number to the file."
)
NO_RATINGS = "nobody has rated it: this rests on its text and graph alone"

MAX_SKIPPED_SHOWN = 30
"""Number of skipped rows that are listed; --json has all."""


def format_predictions(predictions: Sequence[MoviePrediction], numbered: bool = False) -> str:
    """Return a paragraph per movie: predicted stars, interval and reasons."""
    lines: list[str] = []
    for number, prediction in enumerate(predictions, 1):
        lines += _prediction_lines(prediction, f"{number:>3}. " if numbered else "")
    return "\n".join(lines)


def _prediction_lines(prediction: MoviePrediction, prefix: str) -> list[str]:
    interval = ""
    if prediction.low is not None and prediction.high is not None:
        interval = f", 80 % interval {prediction.low:g} to {prediction.high:g}"
    lines = [f"{prefix}{prediction.label}  {prediction.stars:.2f} stars{interval}"]
    indent = " " * (len(prefix) + 4)
    if not prediction.ratings:
        lines.append(f"{indent}{NO_RATINGS}")
    for reason in prediction.reasons:
        shared = f" ({', '.join(reason.shared_entities)})" if reason.shared_entities else ""
        lines.append(f"{indent}{reason.contribution:+.2f}  you rated {reason.title} {reason.stars:g}{shared}")
    return lines


def format_similar(movies: Sequence[SimilarMovie]) -> str:
    """Return a line per movie: cosine similarity, title and shared entities."""
    lines = []
    for movie in movies:
        shared = f"  shared: {', '.join(movie.shared_entities)}" if movie.shared_entities else ""
        lines.append(f"{movie.similarity:6.3f}  {movie.label}{shared}")
    return "\n".join(lines)


def format_matches(matched: MatchedRatings) -> str:
    """Return how a rating export was read, numbers of rows, and the skipped rows with reasons."""
    file = matched.file
    lines = [
        " ".join([f"{file.rows:,} rows in the layout of {file.site}.", *file.notes]),
        *file.warnings,
        f"{len(matched.matches):,} matched: {_format_counts(matched.match_counts) or 'none'}.",
    ]
    if matched.skipped:
        lines.append(f"{len(matched.skipped):,} skipped: {_format_counts(matched.skip_counts)}.")
        for row in matched.skipped[:MAX_SKIPPED_SHOWN]:
            lines.append(f"  line {row.line:,}: {row.title or '–'}: {row.reason}")
        remaining = len(matched.skipped) - MAX_SKIPPED_SHOWN
        if remaining > 0:
            lines.append(f"  … and {remaining:,} more; --json lists all.")
    if any(row.candidates for row in matched.skipped):
        lines.append(CHOICE_HINT)
    return "\n".join(lines)


def _format_counts(counts: dict[str, int]) -> str:
    by_count = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name}: {count:,}" for name, count in by_count)
