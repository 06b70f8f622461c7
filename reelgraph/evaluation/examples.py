"""Example predictions: the user's last ratings, the target, the prediction and its attributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.schemas.kg import KnowledgeGraph, shared_entities
from reelgraph.evaluation.markdown import escape_markdown, markdown_table
from reelgraph.raters.rater import Attributions, Rater
from reelgraph.runtime.atomic_io import write_json, write_text
from reelgraph.sequences.dataset import UserHistories, star_ratings

LAST_RATINGS = 5
MAX_ATTRIBUTIONS = 2
MAX_ENTITIES = 3
DIGITS = 4
COLUMNS = ("user", "last ratings, newest last", "target", "actual", "predicted", "error", "moved most by")

Stars = Float[np.ndarray, " targets"]
Positions = Int64[np.ndarray, " examples"]
"""Positions among the test targets."""


@dataclass(frozen=True)
class SourceInfo:
    """Titles and graph of the movies, in row order, and the users' ids."""

    titles: list[str]
    graph: KnowledgeGraph
    user_ids: list[str]


def select(actual: Stars, predicted: Stars, count: int) -> dict[str, Positions]:
    """Select test targets: ``spread`` evenly over the users, and half as many ``worst`` and ``best``.

    Args:
        actual: ratings.
        predicted: predicted ratings.
        count: number of targets in ``spread``.
    """
    order = np.argsort(np.abs(predicted - actual), kind="stable")
    n_extreme = min(count, len(order)) // 2
    worst = order[len(order) - n_extreme :][::-1].copy()
    return {"spread": select_evenly(len(order), count), "worst": worst, "best": order[:n_extreme]}


def select_evenly(n_targets: int, count: int) -> Positions:
    """Select ``count`` of the test targets at even distances."""
    return np.unique(np.linspace(0, n_targets - 1, min(count, n_targets)).astype(np.int64))


def movie_titles(titles: list[str | None], movie_id: Int64[np.ndarray, " movies"]) -> list[str]:
    """Return a title for each movie; ``Unknown (movieId)`` for a movie without a title."""
    return [title or f"Unknown ({movie})" for title, movie in zip(titles, movie_id, strict=True)]


def write_examples(
    histories: UserHistories, rater: Rater, fit_end: Int64[np.ndarray, " users"], predicted: Stars,
    count: int, source: SourceInfo,
) -> None:  # fmt: skip
    """Write the examples of a rater to data/examples.json, and those of ``spread`` to data/examples.md.

    Args:
        histories: ratings and targets.
        rater: fitted on each user's ratings before ``fit_end``.
        fit_end: end of the rows that the rater was fitted on, a user.
        predicted: its predictions of the test targets.
        count: number of targets in ``spread``.
        source: titles, graph and ids.
    """
    groups = select(star_ratings(histories, histories.test), predicted, count)
    targets = histories.test[np.concatenate(list(groups.values()))]
    attributions = target_attributions(rater, histories, fit_end, targets)
    records = to_records(histories, groups, predicted, attributions, source)
    write_json(records, "data/examples.json")
    write_text(to_markdown(records["spread"]), "data/examples.md")


def target_attributions(
    rater: Rater,
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " examples"],
) -> list[Attributions]:
    """Return the attributions of each target's prediction; empty where the rater has none."""
    movies = histories.movie_row[index].astype(np.int64)
    scores = rater.score(histories, fit_end, index, movies)
    return [candidates.attributions(np.array([i]))[0] for i, candidates in enumerate(scores)]


def to_records(
    histories: UserHistories,
    groups: Mapping[str, Positions],
    predicted: Stars,
    attributions: Sequence[Attributions],
    source: SourceInfo,
) -> dict[str, Any]:
    """Return each group's examples in the form of data/examples.json; ratings and contributions in stars.

    Args:
        histories: ratings and targets.
        groups: name → positions among the test targets.
        predicted: predictions of all test targets.
        attributions: of the targets of all groups, one group after the other.
        source: titles, ids, and the graph with the entities that two movies share.
    """
    remaining = iter(attributions)
    return {
        name: [
            _to_record(histories, int(histories.test[i]), float(predicted[i]), next(remaining), source)
            for i in positions
        ]
        for name, positions in groups.items()
    }


def _to_record(
    histories: UserHistories, index: int, predicted: float, attributions: Attributions, source: SourceInfo
) -> dict[str, Any]:
    user = int(histories.users_of(np.array([index]))[0])
    end = int(histories.history_end(np.array([index]))[0])
    last = np.arange(max(int(histories.offsets[user]), end - LAST_RATINGS), end)
    strongest = np.argsort(-np.abs(attributions.contribution), kind="stable")[:MAX_ATTRIBUTIONS]
    target = int(histories.movie_row[index])
    rows = histories.movie_row[attributions.rating[strongest]]
    last_ratings = zip(histories.movie_row[last], star_ratings(histories, last), strict=True)
    return {
        "user": source.user_ids[user],
        "movie_id": int(source.graph.movie_ids[target]),
        "title": source.titles[target],
        "actual": float(star_ratings(histories, np.array([index]))[0]),
        "predicted": round(predicted, DIGITS),
        "last": [{"title": source.titles[row], "stars": float(stars)} for row, stars in last_ratings],
        "moved": [
            _attribution_record(int(row), target, float(attributions.contribution[i]), source)
            for row, i in zip(rows, strongest, strict=True)
        ],
    }


def _attribution_record(row: int, target: int, contribution: float, source: SourceInfo) -> dict[str, Any]:
    """Return an earlier movie, its contribution, and the entities that it shares with the target."""
    shared = shared_entities(source.graph, row, target)[:MAX_ENTITIES]
    return {"title": source.titles[row], "stars": round(contribution, DIGITS), "shared": shared}


def to_markdown(records: Iterable[dict[str, Any]]) -> str:
    """Return a Markdown table with one record of ``to_records`` a row; text from data is escaped."""
    return "\n".join(markdown_table(COLUMNS, map(_markdown_row, records))) + "\n"


def _markdown_row(record: dict[str, Any]) -> list[str]:
    last = [f"{escape_markdown(rating['title'])} {rating['stars']:.1f}" for rating in record["last"]]
    moved = [
        f"{escape_markdown(reason['title'])} {reason['stars']:+.2f}{_in_brackets(reason['shared'])}"
        for reason in record["moved"]
    ]
    actual = record["actual"]
    predicted = record["predicted"]
    return [
        escape_markdown(record["user"]), "; ".join(last), escape_markdown(record["title"]), f"{actual:.1f}",
        f"{predicted:.2f}", f"{predicted - actual:+.2f}", "; ".join(moved) or "–",
    ]  # fmt: skip


def _in_brackets(entities: list[str]) -> str:
    return f" ({', '.join(map(escape_markdown, entities))})" if entities else ""
