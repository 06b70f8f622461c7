"""evaluate: what the baselines of means and biases say, by both fits, and their errors with intervals."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from bench.comparison_worker import SideResult
from bench.reference.baselines import predictions as plainly
from bench.synthetic_data import FULL_RATINGS, histories, movies_for
from reelgraph.baselines.registry import fit_and_predict, load_baseline
from reelgraph.evaluation.comparison import errors_with_intervals
from reelgraph.evaluation.intervals import target_clusters
from reelgraph.sequences.dataset import Fit, star_ratings

COUNTS = "ratings"
GOAL = 30
"""Seconds at the full size."""
SIZES = {"small": (50_000, 100_000, 200_000), "full": (1_500_000, 4_500_000, FULL_RATINGS)}
BIASES = {"movie_damping": 5.0, "user_damping": 10.0}
BASELINES: dict[str, dict[str, float]] = {
    "global_mean": {}, "user_mean": {}, "item_mean": {}, "recent_mean": {"recent": 5}, "bias": BIASES,
    "bias_recent": {**BIASES, "decay": 0.7, "damping": 3.0},
}  # fmt: skip


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead."""


def reference(folder: Path, size: int) -> SideResult:
    """Predict row by row, and take the errors."""
    data = histories(size, movies_for(size), 5)
    arrays = {name: np.asarray(getattr(data, name)) for name in ("offsets", "movie_row", "half_star_code")}
    start = time.perf_counter()
    results: dict[str, np.ndarray] = {}
    targets_by_fit: tuple[tuple[Fit, np.ndarray], ...] = (
        ("train", data.val), ("train", data.test), ("train_val", data.test),
    )  # fmt: skip
    for rows, targets in targets_by_fit:
        results |= {
            f"{rows}_{len(results) // len(BASELINES)}_{name}": stars
            for name, stars in plainly(arrays, data.fit_end(rows), targets).items()
        }
    return SideResult([time.perf_counter() - start], results)


def reelgraph(folder: Path, size: int) -> SideResult:
    """Predict, and take errors and their intervals."""
    data = histories(size, movies_for(size), 5)
    start = time.perf_counter()
    stars = {
        name: fit_and_predict(load_baseline(name, numbers), data, lambda rows: nullcontext())
        for name, numbers in BASELINES.items()
    }
    test = {"rater": stars["bias_recent"]["train"]} | {
        name: by_rows["train"] for name, by_rows in stars.items()
    }
    errors_with_intervals(target_clusters(data, data.test), star_ratings(data, data.test), test, 1)
    seconds = time.perf_counter() - start
    results: dict[str, np.ndarray] = {}
    for number, (rows, part) in enumerate((("train", "val"), ("train", "train"), ("train_val", "train_val"))):
        results |= {f"{rows}_{number}_{name}": by_rows[part] for name, by_rows in stars.items()}
    return SideResult([seconds], results)


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """The same predictions."""
    assert reference.keys() == reelgraph.keys()
    for name, expected in reference.items():
        np.testing.assert_allclose(reelgraph[name], expected, atol=1e-9, err_msg=name)
