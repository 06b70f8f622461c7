"""Some test users with what they had rated last, the target, and what was predicted."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import stars

LAST = 5
HEADER = (
    "| user | last ratings, newest last | target | actual | predicted | error |\n|---|---|---|---|---|---|\n"
)


def evenly(count: int, wanted: int) -> Int64[np.ndarray, "chosen"]:
    """Choose ``wanted`` of ``count`` test targets, evenly spread over the users."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).astype(np.int64))


def titles(names: list[str | None], movie_id: Int64[np.ndarray, "movies"]) -> list[str]:
    """Return a title for each movie; one that isn't known is ``Unknown (movieId)``."""
    return [name or f"Unknown ({movie})" for name, movie in zip(names, movie_id, strict=True)]


def markdown(
    histories: Histories,
    chosen: Int64[np.ndarray, "chosen"],
    predicted: Float[np.ndarray, "targets"],
    movie_titles: list[str],
) -> str:
    """Return a Markdown table, a row a chosen test target; ratings and errors in stars."""
    return HEADER + "".join(_row(histories, int(at), predicted, movie_titles) for at in chosen)


def _row(
    histories: Histories, at: int, predicted: Float[np.ndarray, "targets"], movie_titles: list[str]
) -> str:
    index = int(histories.test[at])
    user = int(histories.users_of(np.array([index]))[0])
    start = max(int(histories.offsets[user]), index - LAST)
    last = np.arange(start, index)
    given = stars(histories, last)
    seen = "; ".join(
        f"{movie_titles[histories.movie_row[i]]} {s:.1f}" for i, s in zip(last, given, strict=True)
    )
    actual = float(stars(histories, np.array([index]))[0])
    cells = [
        str(histories.user_id[user]), seen, movie_titles[histories.movie_row[index]], f"{actual:.1f}",
        f"{predicted[at]:.2f}", f"{predicted[at] - actual:+.2f}",
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
