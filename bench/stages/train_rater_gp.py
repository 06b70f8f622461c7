"""train_rater with model.type gp: a fit of the process and its heads, and the validation predictions."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from bench.comparison_worker import Device, SideResult
from bench.synthetic_data import SEED, graph, histories, movies_for
from reelgraph.core.torch_setup import configure_torch
from reelgraph.params.base import Compute, load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.gp.fitting import fit
from reelgraph.raters.gp.movie_content import build_movie_content
from reelgraph.sequences.dataset import UserHistories

COUNTS = "ratings"
SIZES = {"small": (20_000, 40_000, 80_000), "full": (200_000, 400_000, 1_000_000)}
WARM_UP_RATINGS = 5_000
DIM = 64
"""Of the text vectors and of the embedding."""
MAX_RMS_DIFFERENCE = 0.001
"""Between predictions of two fits, stars. Weights that start 1e-6 apart end in a difference below 1e-6."""


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead."""


def reelgraph(folder: Path, size: int, device: Device = "cpu") -> SideResult:
    """Fit and predict; a small fit comes before, as a GPU loads its libraries at the first one."""
    chosen = configure_torch(Compute(threads=2, device=device), retain_freed_memory=False)
    fit_and_predict(histories(WARM_UP_RATINGS, movies_for(WARM_UP_RATINGS), 10), chosen)
    data = histories(size, movies_for(size), 10)
    seconds, stars = fit_and_predict(data, chosen)
    return SideResult([seconds], {"stars": stars})


def fit_and_predict(data: UserHistories, device: torch.device) -> tuple[float, np.ndarray]:
    """Return the seconds of a fit with its predictions, and the predictions."""
    n_movies = int(data.movie_row.max()) + 1
    draw = np.random.default_rng(SEED)
    text, vectors = draw.normal(size=(2, n_movies, DIM)).astype(np.float32)
    movies = graph(n_movies, DIM)
    year = draw.integers(1950, 2020, n_movies).astype(np.float64)
    start = time.perf_counter()
    content = build_movie_content(movies, year, (text, vectors))
    rater = fit(data, data.fit_end("train"), content, load(TrainRaterParams), device=device)
    stars = rater.predict(data, data.fit_end("train"), data.val).stars
    return time.perf_counter() - start, stars


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """Both fits predict almost the same."""
    difference = reelgraph["stars"] - reference["stars"]
    assert np.sqrt((difference**2).mean()) <= MAX_RMS_DIFFERENCE
