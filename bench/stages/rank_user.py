"""rank_user: the lists of a hundred users by EASE, all movies scored."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bench.comparison_worker import SideResult
from bench.stages.train_ranker import fit_ease, inputs_of
from bench.synthetic_data import FULL_RATINGS
from reelgraph.rankers.ranker import RankingQuery
from reelgraph.rankers.registry import load_ranker, save_ranker

COUNTS = "ratings"
GOAL = 5
"""Seconds at the full size: 50 ms a list."""
SIZES = {"small": (200_000,), "full": (FULL_RATINGS,)}
N_USERS = 100
LENGTH = 20


def prepare(folder: Path, size: int) -> None:
    """Fit the ranker, and save histories of users."""
    inputs = inputs_of(size)
    save_ranker("ease", fit_ease(inputs), folder / "ease")
    ratings = inputs.ratings
    for number, user in enumerate(np.unique(ratings.user)[:N_USERS]):
        np.save(folder / f"history_{number}.npy", ratings.movie_row[ratings.user == user])


def _read_histories(folder: Path) -> list[np.ndarray]:
    return [np.load(file) for file in sorted(folder.glob("history_*"))]


def reference(folder: Path, size: int) -> SideResult:
    """Add up the weights of the history, and sort all movies."""
    arrays = {name: np.load(folder / "ease" / f"{name}.npy") for name in ("movies", "weights", "n_movies")}
    position = {int(movie): row for row, movie in enumerate(arrays["movies"])}
    scores = []
    histories = _read_histories(folder)
    start = time.perf_counter()
    for history in histories:
        rows = [position[movie] for movie in history.tolist() if movie in position]
        score = np.zeros(int(arrays["n_movies"]))
        score[arrays["movies"]] = arrays["weights"][rows].astype(np.float64).sum(axis=0)
        shown = score.copy()
        shown[history] = -np.inf
        np.argsort(-shown, kind="stable")[:LENGTH]
        scores.append(score)
    return SideResult([time.perf_counter() - start], {"scores": np.stack(scores)})


def reelgraph(folder: Path, size: int) -> SideResult:
    """Score all movies with the loaded ranker, and sort them."""
    ranker = load_ranker(folder / "ease")
    scores = []
    histories = _read_histories(folder)
    start = time.perf_counter()
    for history in histories:
        score = ranker.score(RankingQuery(history, 0))
        shown = score.copy()
        shown[history] = -np.inf
        np.argsort(-shown, kind="stable")[:LENGTH]
        scores.append(score)
    return SideResult([time.perf_counter() - start], {"scores": np.stack(scores)})


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """The same scores, to single precision."""
    np.testing.assert_allclose(reelgraph["scores"], reference["scores"], atol=1e-4)
