"""Some test ratings: what the person had rated last, the target, what was predicted, and what moved it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.raters.rater import Attributions, Rater
from reelgraph.schemas.kg import KnowledgeGraph, shared_entities
from reelgraph.sequences.dataset import UserHistories, star_ratings

LAST = 5
SHOWN_REASONS, SHOWN_ENTITIES = 2, 3
DIGITS = 4
NAMES = ("user", "last ratings, newest last", "target", "actual", "predicted", "error", "moved most by")
HEADER = f"| {' | '.join(NAMES)} |\n|{'---|' * len(NAMES)}\n"

Stars = Float[np.ndarray, " targets"]
Chosen = Int64[np.ndarray, " chosen"]


@dataclass(frozen=True)
class MovieInfo:
    """What the reader is told of the movies, in row order."""

    titles: list[str]
    graph: KnowledgeGraph


def select(actual: Stars, predicted: Stars, wanted: int) -> dict[str, Chosen]:
    """Choose test targets to show: ``spread`` evenly over the users, and half as many ``worst`` and ``best``.

    Args:
        actual: stars given.
        predicted: stars predicted.
        wanted: number of the first.
    """
    order = np.argsort(np.abs(predicted - actual), kind="stable")
    half = min(wanted, len(order)) // 2
    worst = order[len(order) - half :][::-1].copy()
    return {"spread": select_evenly(len(order), wanted), "worst": worst, "best": order[:half]}


def select_evenly(count: int, wanted: int) -> Chosen:
    """Choose ``wanted`` of ``count`` test targets, evenly spread over the users."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).astype(np.int64))


def titles(names: list[str | None], movie_id: Int64[np.ndarray, " movies"]) -> list[str]:
    """Return a title for each movie; one that isn't known is ``Unknown (movieId)``."""
    return [name or f"Unknown ({movie})" for name, movie in zip(names, movie_id, strict=True)]


def reasons(
    rater: Rater, histories: UserHistories, fit_end: Int64[np.ndarray, " users"], index: Chosen
) -> list[Attributions]:
    """Tell for each target which earlier ratings moved the prediction; empty where the rater can't."""
    movies = histories.movie_row[index].astype(np.int64)
    each = enumerate(rater.score(histories, fit_end, index, movies))
    return [scores.attributions(np.array([at]))[0] for at, scores in each]


def to_records(
    histories: UserHistories,
    groups: Mapping[str, Chosen],
    predicted: Stars,
    reasons: Sequence[Attributions],
    movies: MovieInfo,
) -> dict[str, Any]:
    """Return each group's examples, as they stand in data/examples.json; ratings and effects in stars.

    Args:
        histories: ratings and targets.
        groups: name → positions among the test targets.
        predicted: of every test target.
        reasons: of the targets of all groups, one group after the other.
        movies: their titles, and the graph that says what two of them share.
    """
    why = iter(reasons)
    return {
        name: [
            _record(histories, int(histories.test[at]), float(predicted[at]), next(why), movies)
            for at in group
        ]
        for name, group in groups.items()
    }


def _record(
    histories: UserHistories, index: int, predicted: float, reasons: Attributions, movies: MovieInfo
) -> dict[str, Any]:
    user = int(histories.users_of(np.array([index]))[0])
    end = int(histories.history_end(np.array([index]))[0])
    seen = np.arange(max(int(histories.offsets[user]), end - LAST), end)
    most = np.argsort(-np.abs(reasons.contribution), kind="stable")[:SHOWN_REASONS]
    target, rows = int(histories.movie_row[index]), histories.movie_row[reasons.rating[most]]
    last = zip(histories.movie_row[seen], star_ratings(histories, seen), strict=True)
    return {
        "user": int(histories.user_id[user]),
        "movie_id": int(movies.graph.movie_ids[target]),
        "title": movies.titles[target],
        "actual": float(star_ratings(histories, np.array([index]))[0]),
        "predicted": round(predicted, DIGITS),
        "last": [{"title": movies.titles[row], "stars": float(given)} for row, given in last],
        "moved": [
            _reason(int(row), target, float(reasons.contribution[i]), movies)
            for row, i in zip(rows, most, strict=True)
        ],
    }


def _reason(row: int, target: int, added: float, movies: MovieInfo) -> dict[str, Any]:
    """Name an earlier movie, what it added, and what the graph has it share with the target."""
    shared = shared_entities(movies.graph, row, target)[:SHOWN_ENTITIES]
    return {"title": movies.titles[row], "stars": round(added, DIGITS), "shared": shared}


def markdown(shown: Iterable[dict[str, Any]]) -> str:
    """Return a Markdown table, a row an example of ``records``."""
    return HEADER + "".join(map(_row, shown))


def _row(example: dict[str, Any]) -> str:
    last = [f"{each['title']} {each['stars']:.1f}" for each in example["last"]]
    moved = [f"{each['title']} {each['stars']:+.2f}{_common(each['shared'])}" for each in example["moved"]]
    actual, predicted = example["actual"], example["predicted"]
    cells = [
        str(example["user"]), "; ".join(last), example["title"], f"{actual:.1f}", f"{predicted:.2f}",
        f"{predicted - actual:+.2f}", "; ".join(moved) or "–",
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _common(shared: list[str]) -> str:
    return f" ({', '.join(shared)})" if shared else ""
