"""The baselines of means and biases in a plain implementation: row by row, user by user."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

RECENT, REACH, SWEEPS = 5, 64, 5
DECAY, DAMPING = 0.7, 3.0
MOVIE_DAMPING, USER_DAMPING = 5.0, 10.0

Rows = list[tuple[int, int, float]]
"""User, movie, stars."""


def predictions(
    histories: dict[str, np.ndarray], ends: np.ndarray, targets: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what each baseline says of the targets, fitted on each user's rows before ``ends``."""
    offsets, movie, stars = histories["offsets"], histories["movie_row"], histories["half_star_code"] / 2
    rows = [
        (user, int(movie[position]), float(stars[position]))
        for user in range(len(ends))
        for position in range(offsets[user], ends[user])
    ]
    mean = sum(row[2] for row in rows) / len(rows)
    of_user, of_movie = _means(rows, 0), _means(rows, 1)
    user_bias, movie_bias = biases(rows, mean)
    by_baseline: dict[str, list[float]] = defaultdict(list)
    for target in targets:
        user = int(np.searchsorted(offsets, target, side="right")) - 1
        target_movie, history = int(movie[target]), range(offsets[user], target)
        by_baseline["global_mean"].append(mean)
        by_baseline["user_mean"].append(of_user.get(user, mean))
        by_baseline["item_mean"].append(of_movie.get(target_movie, mean))
        last = [stars[position] for position in history][-RECENT:]
        by_baseline["recent_mean"].append(sum(last) / len(last) if last else mean)
        by_baseline["bias"].append(_clipped(mean + movie_bias.get(target_movie, 0) + user_bias.get(user, 0)))
        residuals = [stars[position] - mean - movie_bias.get(int(movie[position]), 0) for position in history]
        person = sum(residuals) / (len(residuals) + USER_DAMPING)
        weights = [DECAY**back for back in range(min(len(residuals), REACH))]
        recent = sum(w * (r - person) for w, r in zip(weights, reversed(residuals), strict=False))
        recent /= sum(weights) + DAMPING
        by_baseline["bias_recent"].append(_clipped(mean + movie_bias.get(target_movie, 0) + person + recent))
    return {name: np.array(values) for name, values in by_baseline.items()}


def biases(rows: Rows, mean: float) -> tuple[dict[int, float], dict[int, float]]:
    """Fit damped effects of users and movies in turn."""
    of_user: dict[int, float] = {}
    of_movie: dict[int, float] = {}
    for _ in range(SWEEPS):
        of_movie = _damped([(m, s - mean - of_user.get(u, 0)) for u, m, s in rows], MOVIE_DAMPING)
        of_user = _damped([(u, s - mean - of_movie.get(m, 0)) for u, m, s in rows], USER_DAMPING)
    return of_user, of_movie


def _damped(values: list[tuple[int, float]], damping: float) -> dict[int, float]:
    total: dict[int, float] = defaultdict(float)
    count: dict[int, int] = defaultdict(int)
    for key, value in values:
        total[key] += value
        count[key] += 1
    return {key: total[key] / (count[key] + damping) for key in total}


def _means(rows: Rows, column: int) -> dict[int, float]:
    return _damped([(row[column], row[2]) for row in rows], 0.0)  # type: ignore[misc]


def _clipped(value: float) -> float:
    return min(5.0, max(0.5, value))
