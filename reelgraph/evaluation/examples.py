"""Some test users: what they had rated last, the target, what was predicted, and what moved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.graph.sharing import shared_entities
from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import stars
from reelgraph.raters.rater import Reasons
from reelgraph.schemas.kg import KnowledgeGraph

LAST = 5
SHOWN_REASONS, SHOWN_ENTITIES = 2, 3
NAMES = ("user", "last ratings, newest last", "target", "actual", "predicted", "error", "moved most by")
HEADER = f"| {' | '.join(NAMES)} |\n|{'---|' * len(NAMES)}\n"


@dataclass(frozen=True)
class Movies:
    """What the reader is told of the movies, in row order."""

    titles: list[str]
    graph: KnowledgeGraph


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
    movies: Movies,
) -> str:
    """Return a Markdown table, a row a rating at ``index``; ratings and errors in stars."""
    rows = zip(index, predicted, reasons, strict=True)
    return HEADER + "".join(_row(histories, int(i), float(p), why, movies) for i, p, why in rows)


def _row(histories: Histories, index: int, predicted: float, reasons: Reasons, movies: Movies) -> str:
    user = int(histories.users_of(np.array([index]))[0])
    end = int(histories.history_end(np.array([index]))[0])
    seen = np.arange(max(int(histories.offsets[user]), end - LAST), end)
    title = [movies.titles[row] for row in histories.movie_row[seen]]
    last = [f"{name} {given:.1f}" for name, given in zip(title, stars(histories, seen), strict=True)]
    target = int(histories.movie_row[index])
    most = np.argsort(-np.abs(reasons.added), kind="stable")[:SHOWN_REASONS]
    rows = histories.movie_row[reasons.rating[most]]
    moved = [
        _reason(int(row), target, float(reasons.added[i]), movies) for row, i in zip(rows, most, strict=True)
    ]
    actual = float(stars(histories, np.array([index]))[0])
    cells = [
        str(histories.user_id[user]), "; ".join(last), movies.titles[target],
        f"{actual:.1f}", f"{predicted:.2f}", f"{predicted - actual:+.2f}", "; ".join(moved) or "–",
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _reason(row: int, target: int, added: float, movies: Movies) -> str:
    """Name an earlier movie, what it added, and what the graph has it share with the target."""
    shared = shared_entities(movies.graph, row, target)[:SHOWN_ENTITIES]
    common = f" ({', '.join(shared)})" if shared else ""
    return f"{movies.titles[row]} {added:+.2f}{common}"
