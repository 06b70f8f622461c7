"""Some test users: what they had rated last, the target, what was predicted, and what moved it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import stars
from reelgraph.raters.rater import Reasons

LAST = 5
SHOWN_REASONS = 2
NAMES = ("user", "last ratings, newest last", "target", "actual", "predicted", "error", "moved most by")
HEADER = f"| {' | '.join(NAMES)} |\n|{'---|' * len(NAMES)}\n"


def evenly(count: int, wanted: int) -> Int64[np.ndarray, " chosen"]:
    """Choose ``wanted`` of ``count`` test targets, evenly spread over the users."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).astype(np.int64))


def titles(names: list[str | None], movie_id: Int64[np.ndarray, " movies"]) -> list[str]:
    """Return a title for each movie; one that isn't known is ``Unknown (movieId)``."""
    return [name or f"Unknown ({movie})" for name, movie in zip(names, movie_id, strict=True)]


def markdown(
    histories: Histories,
    index: Int64[np.ndarray, " chosen"],
    predicted: Float[np.ndarray, " chosen"],
    reasons: Sequence[Reasons],
    movie_titles: list[str],
) -> str:
    """Return a Markdown table, a row a rating at ``index``; ratings and errors in stars."""
    rows = zip(index, predicted, reasons, strict=True)
    return HEADER + "".join(_row(histories, int(i), float(p), why, movie_titles) for i, p, why in rows)


def _row(
    histories: Histories, index: int, predicted: float, reasons: Reasons, movie_titles: list[str]
) -> str:
    user = int(histories.users_of(np.array([index]))[0])
    end = int(histories.history_end(np.array([index]))[0])
    seen = np.arange(max(int(histories.offsets[user]), end - LAST), end)
    title = [movie_titles[row] for row in histories.movie_row[seen]]
    last = [f"{name} {given:.1f}" for name, given in zip(title, stars(histories, seen), strict=True)]
    most = np.argsort(-np.abs(reasons.added), kind="stable")[:SHOWN_REASONS]
    moved = [f"{movie_titles[histories.movie_row[reasons.rating[i]]]} {reasons.added[i]:+.2f}" for i in most]
    actual = float(stars(histories, np.array([index]))[0])
    cells = [
        str(histories.user_id[user]), "; ".join(last), movie_titles[histories.movie_row[index]],
        f"{actual:.1f}", f"{predicted:.2f}", f"{predicted - actual:+.2f}", "; ".join(moved) or "–",
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
