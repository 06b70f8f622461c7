"""The commands' results as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelgraph.app.bundle.group import GroupPrediction
    from reelgraph.app.bundle.results import MoviePrediction, Reason, SimilarMovie
    from reelgraph.app.rating_imports.matching import MatchedRatings
    from reelgraph.raters.rater import UserLevel

CHOICE_HINT = (
    "To choose one of an ambiguous title's movies, add a column movieId with its number to the file."
)
NO_RATINGS = "no training ratings: this rests on its text and graph alone"

MIN_LEVEL = 0.05
"""Smallest level and drift that are told, in stars."""
MAX_SKIPPED_SHOWN = 30
"""Number of skipped rows that are listed; --json has all."""


def format_predictions(predictions: Sequence[MoviePrediction], left_out: Sequence[float | None]) -> str:
    """Return a paragraph per movie: predicted stars, the 80 % set, and reasons.

    Args:
        predictions: of movies.
        left_out: for each, the user's stars, which the prediction leaves out; None where there are none.
    """
    lines: list[str] = []
    for prediction, stars in zip(predictions, left_out, strict=True):
        lines += _prediction_lines(prediction, left_out=stars)
    return "\n".join(lines)


def format_recommendations(movies: Sequence[MoviePrediction], user: UserLevel | None) -> str:
    """Return how the user rates, and a numbered paragraph per movie; blank without movies.

    A paragraph has the predicted stars, the 80 % set, what the movie's audience watched, and reasons.
    """
    lines = [format_level(user)] if movies else []
    for number, movie in enumerate(movies, 1):
        lines += _prediction_lines(movie, f"{number:>3}. ")
    return "\n".join(filter(None, lines))


def format_group(movies: Sequence[GroupPrediction], rule: str) -> str:
    """Return a line per movie with the predicted stars of each user; blank without movies."""
    if not movies:
        return ""
    score = "lowest score" if rule == "least-misery" else "mean score"
    lines = [f"Ordered by the users' {score}. Predicted stars of each user:"]
    for number, movie in enumerate(movies, 1):
        stars = ", ".join(f"{value:.2f}" for value in movie.stars)
        lines.append(f"{number:>3}. {movie.label}  {stars} stars")
    return "\n".join(lines)


def _prediction_lines(
    prediction: MoviePrediction, prefix: str = "", left_out: float | None = None
) -> list[str]:
    lines = [f"{prefix}{prediction.label}  {prediction.stars:.2f} stars{_format_set(prediction)}"]
    indent = " " * (len(prefix) + 4)
    if not prediction.ratings:
        lines.append(f"{indent}{NO_RATINGS}")
    if left_out is not None:
        lines.append(f"{indent}your own rating of it, {left_out:g}, is left out")
    if prediction.watched:
        titles = " and ".join(movie.title for movie in prediction.watched)
        lines.append(f"{indent}people who watched {titles} also watch it")
    lines += [indent + _format_reason(reason) for reason in prediction.reasons]
    return lines


def _format_set(prediction: MoviePrediction) -> str:
    if prediction.prediction_set is None:
        return ""
    ranges = (
        f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in prediction.prediction_set
    )
    return f", 80 % likely {', '.join(ranges)}"


def _format_reason(reason: Reason) -> str:
    shared = ", ".join([*reason.shared, *(["the same audience"] if reason.same_audience else [])])
    but = "but " if reason.contribution < 0 else ""
    return f"{reason.contribution:+.2f}  {but}you rated {reason.title} {reason.stars:g} ({shared})"


def format_level(user: UserLevel | None) -> str:
    """Return how the user rates whatever the movie, as one sentence; blank if it is not known."""
    if user is None:
        return ""
    is_average = abs(user.level) < MIN_LEVEL
    text = "You rate as others do" if is_average else f"You rate {_format_difference(user.level)} than others"
    if abs(user.drift) < MIN_LEVEL:
        return f"{text}."
    return (
        f"{text}; your last ratings were {_format_difference(user.drift)}, which the predictions leave out."
    )


def _format_difference(stars: float) -> str:
    return f"{abs(stars):.1f} stars {'higher' if stars >= 0 else 'lower'}"


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
