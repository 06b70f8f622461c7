"""train_rater with model.type attention; all positions of all users are training targets."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from bench.comparison_worker import Device, SideResult
from bench.reference import rater as plain
from bench.synthetic_data import FULL_MOVIES, SEED, histories
from reelgraph.core.rating_scale import normalize_stars
from reelgraph.core.torch_setup import configure_torch as prepare_torch
from reelgraph.params.base import Compute
from reelgraph.params.model import Train
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.distributed import ProcessGroup
from reelgraph.raters.networks.trainer import Trainer, predict_stars
from reelgraph.sequences.dataset import UserHistories

COUNTS = "ratings; seconds of a million training targets"
GOAL = 50
SIZES = {"small": (20_000, 40_000, 80_000), "full": (200_000, 400_000, 1_000_000)}
DIM, HIDDEN, DROPOUT, WINDOW = 300, 128, 0.1, 30
MILLION = 1_000_000
USERS = 64
TOLERANCE = 1e-4
TRAIN = Train(
    epochs=1, batch_size=128, users_per_batch=USERS, learning_rate=1e-3, weight_decay=0.01, cosine_epochs=30,
    min_learning_rate=1e-5, clip_norm=1.0, precision="bfloat16", processes=1,
)  # fmt: skip


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead."""


def _make_inputs(size: int) -> tuple[UserHistories, torch.Tensor]:
    torch.manual_seed(SEED)
    return histories(size, FULL_MOVIES, 0), normalize(torch.randn(FULL_MOVIES, DIM), dim=1)


def reference(folder: Path, size: int) -> SideResult:
    """Take some steps of 128 samples."""
    prepare_torch(Compute(threads=2, device="cpu"))
    data, vectors = _make_inputs(size)
    arrays = {name: getattr(data, name) for name in ("offsets", "movie_row", "half_star_code")}
    torch.manual_seed(SEED)
    model = plain.Attention(DIM, HIDDEN, DROPOUT)
    predictions = plain.predict(model, plain.Samples(vectors, arrays, data.test[:500]))
    running = plain.steps(model, plain.Samples(vectors, arrays, data.train))
    next(running)
    start = time.perf_counter()
    targets = sum(islice(running, 120))
    return SideResult([(time.perf_counter() - start) / targets * MILLION], {"predictions": predictions})


def reelgraph(folder: Path, size: int, device: Device = "cpu") -> SideResult:
    """Take the second epoch of 64 users a step: in the first, products are compiled for new shapes."""
    team = ProcessGroup(prepare_torch(Compute(threads=2, device=device)))
    data, vectors = _make_inputs(size)
    torch.manual_seed(SEED)
    run = Trainer(lambda: AttentionRater(vectors, HIDDEN, DROPOUT), TRAIN, WINDOW, SEED, team)
    torch.manual_seed(SEED)
    same = AttentionRater(vectors, HIDDEN, DROPOUT).to(team.device)
    predictions = normalize_stars(predict_stars(same, data, data.test[:500], WINDOW))
    run.run_epoch(data, data.train, 1)
    start = time.perf_counter()
    run.run_epoch(data, data.train, 2)
    return SideResult(
        [(time.perf_counter() - start) / len(data.train) * MILLION], {"predictions": predictions}
    )


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """The same weights predict the same."""
    np.testing.assert_allclose(reelgraph["predictions"], reference["predictions"], atol=TOLERANCE)
