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
    known = histories(size, movies_for(size), 5)
    arrays = {name: np.asarray(getattr(known, name)) for name in ("offsets", "movie_row", "half_star_code")}
    start = time.perf_counter()
    found: dict[str, np.ndarray] = {}
    asked: tuple[tuple[Fit, np.ndarray], ...] = (
        ("train", known.val), ("train", known.test), ("train_val", known.test),
    )  # fmt: skip
    for rows, targets in asked:
        found |= {
            f"{rows}_{len(found) // len(BASELINES)}_{name}": said
            for name, said in plainly(arrays, known.fit_end(rows), targets).items()
        }
    return SideResult([time.perf_counter() - start], found)


def ours(folder: Path, size: int) -> SideResult:
    """Predict, and take errors and their intervals."""
    known = histories(size, movies_for(size), 5)
    start = time.perf_counter()
    said = {
        name: fit_and_predict(load_baseline(name, numbers), known, lambda rows: nullcontext())
        for name, numbers in BASELINES.items()
    }
    test = {"rater": said["bias_recent"]["train"]} | {name: each["train"] for name, each in said.items()}
    errors_with_intervals(known.users_of(known.test), star_ratings(known, known.test), test, 1)
    seconds = time.perf_counter() - start
    found: dict[str, np.ndarray] = {}
    for number, (rows, part) in enumerate((("train", "val"), ("train", "train"), ("train_val", "train_val"))):
        found |= {f"{rows}_{number}_{name}": each[part] for name, each in said.items()}
    return SideResult([seconds], found)


def check(reference: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> None:
    """The same predictions."""
    assert reference.keys() == ours.keys()
    for name, expected in reference.items():
        np.testing.assert_allclose(ours[name], expected, atol=1e-9, err_msg=name)
