"""Paired comparison of two commits, target by target: whether a difference is more than chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reelgraph.core.seeds import derive_seed
from reelgraph.core.target_rows import MAX_ROWS, parse_target_rows
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, percentile_interval
from reelgraph.evaluation.markdown import code_span, escape_markdown

Rows = dict[str, np.ndarray]
Values = Float[np.ndarray, " targets"]


@dataclass(frozen=True)
class Metric:
    """A mean over targets."""

    name: str
    value: Callable[[Rows], Values]
    """The value of each target."""
    transform: Callable[[np.ndarray], np.ndarray] = np.asarray
    """Turns means into the metric."""
    lower_is_better: bool = False


@dataclass(frozen=True)
class TargetFile:
    """A file of target rows, and the metrics that are computed from it."""

    path: str
    unit: str
    types: dict[str, type]
    keys: tuple[str, ...]
    """Columns that are equal where both sides have the same targets."""
    cluster: str
    """Column by which targets are resampled together."""
    metrics: tuple[Metric, ...]


TARGET_FILES = (
    TargetFile(
        "plots/predictions.tsv",
        "test targets",
        {"user": int, "movie": int, "actual": float, "predicted": float},
        ("user", "movie", "actual"),
        "user",
        (
            Metric("test RMSE", lambda rows: (rows["predicted"] - rows["actual"]) ** 2, np.sqrt, True),
            Metric("test MAE", lambda rows: np.abs(rows["predicted"] - rows["actual"]), lower_is_better=True),
        ),
    ),
    TargetFile(
        "plots/ranking_users.tsv",
        "users",
        {"user": int, "n_relevant": int, "n_candidates": int, "ndcg_10": float, "recall_20": float},
        ("user", "n_relevant", "n_candidates"),
        "user",
        (
            Metric("NDCG@10", lambda rows: rows["ndcg_10"]),
            Metric("recall@20", lambda rows: rows["recall_20"]),
        ),
    ),
    TargetFile(
        "plots/link_ranks.tsv",
        "edges",
        {"relation": str, "movie": int, "entity": int, "reciprocal_rank": float},
        ("relation", "movie", "entity"),
        "movie",
        (Metric("links MRR", lambda rows: rows["reciprocal_rank"]),),
    ),
)

NOT_COMPARED = "not compared"
UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Comparison:
    """A metric on both sides; all text is Markdown."""

    metric: str
    change: str
    """Values, difference and interval; empty if nothing is compared."""
    verdict: str
    """better, worse, within chance, unchanged, not compared or processor."""
    note: str
    """Number of targets, or why nothing is compared."""

    @property
    def differs(self) -> bool:
        """Whether the metric was compared and differs."""
        return self.verdict not in (NOT_COMPARED, UNCHANGED)

    def describe(self) -> str:
        """Return the comparison in one line."""
        warning = "Warning: " if self.verdict == NOT_COMPARED else ""
        return f"{warning}{' '.join(filter(None, (self.metric, self.change)))}: {self.verdict} ({self.note})"


def compare_targets(file: TargetFile, base: str, before: str, after: str) -> list[Comparison]:
    """Compare the metrics of two versions of a file of target rows.

    Args:
        file: what the file holds.
        base: name of the first version.
        before: its content; empty without the file.
        after: content of the second version.

    Returns:
        A comparison a metric, or a single one that says why nothing is compared. Nothing without rows.
    """
    if not before and not after:
        return []
    name = escape_markdown(base)
    if not before or not after:
        return [_not_compared(file, f"no {code_span(file.path)} {f'at {name}' if after else 'now'}")]
    try:
        old, new = (parse_target_rows(text, file.types) for text in (before, after))
    except ValueError as error:
        return [_not_compared(file, f"{code_span(file.path)}: {escape_markdown(str(error))}")]
    if not all(np.array_equal(old[key], new[key]) for key in file.keys):
        n_common = len(_targets(file, old) & _targets(file, new))
        counts = f"{len(old[file.cluster]):,} {file.unit} at {name}, {len(new[file.cluster]):,} now"
        return [_not_compared(file, f"the targets differ: {counts}, {n_common:,} in common")]
    return [_compare(file, metric, old, new) for metric in file.metrics] if len(new[file.cluster]) else []


def _not_compared(file: TargetFile, reason: str) -> Comparison:
    return Comparison(file.metrics[0].name, "", NOT_COMPARED, reason)


def _targets(file: TargetFile, rows: Rows) -> set[tuple[object, ...]]:
    return set(zip(*(rows[key].tolist() for key in file.keys), strict=True))


def _compare(file: TargetFile, metric: Metric, old: Rows, new: Rows) -> Comparison:
    values = np.stack([metric.value(old), metric.value(new)], axis=1)
    before, after = metric.transform(values.mean(axis=0))
    count = f"{len(values):,} {'drawn ' if len(values) == MAX_ROWS else ''}{file.unit}"
    if np.array_equal(values[:, 0], values[:, 1]):
        return Comparison(metric.name, f"{before:.4f}", UNCHANGED, count)
    _, cluster = np.unique(new[file.cluster], return_inverse=True)
    resampled = metric.transform(bootstrap_means(Clusters(cluster), values, derive_seed(0, "review")))
    low, high = percentile_interval(resampled[:, 1] - resampled[:, 0])
    change = f"{before:.4f} → {after:.4f}, {_signed(after - before)}, 95 % {_signed(low)}…{_signed(high)}"
    return Comparison(metric.name, change, _verdict(low, high, metric.lower_is_better), count)


def _verdict(low: float, high: float, lower_is_better: bool) -> str:
    if low <= 0 <= high:
        return "within chance"
    return "better" if (high < 0) == lower_is_better else "worse"


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")
