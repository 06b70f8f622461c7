"""train_rater with model.type attention; all positions of all users are training targets."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from bench.data import FULL_MOVIES, SEED, histories
from bench.reference import rater as plain
from bench.side import Device, Ran
from reelgraph.core.rating_scale import to_scaled
from reelgraph.core.torch_setup import prepare as prepare_torch
from reelgraph.params.compute import Compute
from reelgraph.params.rater import Train
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.team import Team
from reelgraph.raters.networks.training import Epochs, predict
from reelgraph.sequences.arrays import Histories

COUNTS = "ratings; seconds of a million training targets"
GOAL = 50
SIZES = {"small": (20_000, 40_000, 80_000), "full": (200_000, 400_000, 1_000_000)}
DIM, HIDDEN, DROPOUT, WINDOW = 300, 128, 0.1, 30
MILLION = 1_000_000
USERS = 64
TOLERANCE = 1e-4
TRAIN = Train(
    epochs=1, batch_size=128, users=USERS, learning_rate=1e-3, weight_decay=0.01, cosine_epochs=30,
    min_learning_rate=1e-5, clip_norm=1.0, precision="bfloat16", processes=1,
)  # fmt: skip


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead."""


def _given(size: int) -> tuple[Histories, torch.Tensor]:
    torch.manual_seed(SEED)
    return histories(size, FULL_MOVIES, 0), normalize(torch.randn(FULL_MOVIES, DIM), dim=1)


def reference(folder: Path, size: int) -> Ran:
    """Take some steps of 128 samples."""
    prepare_torch(Compute(threads=2, device="cpu"))
    known, vectors = _given(size)
    arrays = {name: getattr(known, name) for name in ("offsets", "movie_row", "code")}
    torch.manual_seed(SEED)
    model = plain.Attention(DIM, HIDDEN, DROPOUT)
    said = plain.predict(model, plain.Samples(vectors, arrays, known.test[:500]))
    running = plain.steps(model, plain.Samples(vectors, arrays, known.train))
    next(running)
    start = time.perf_counter()
    targets = sum(islice(running, 120))
    return Ran([(time.perf_counter() - start) / targets * MILLION], {"said": said})


def ours(folder: Path, size: int, device: Device = "cpu") -> Ran:
    """Take the second epoch of 64 users a step: in the first, products are compiled for new shapes."""
    team = Team(prepare_torch(Compute(threads=2, device=device)))
    known, vectors = _given(size)
    torch.manual_seed(SEED)
    run = Epochs(lambda: AttentionRater(vectors, HIDDEN, DROPOUT), TRAIN, WINDOW, SEED, team)
    torch.manual_seed(SEED)
    same = AttentionRater(vectors, HIDDEN, DROPOUT).to(team.device)
    said = to_scaled(predict(same, known, known.test[:500], WINDOW))
    run.epoch(known, known.train, 1)
    start = time.perf_counter()
    run.epoch(known, known.train, 2)
    return Ran([(time.perf_counter() - start) / len(known.train) * MILLION], {"said": said})


def check(reference: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> None:
    """The same weights say the same."""
    np.testing.assert_allclose(ours["said"], reference["said"], atol=TOLERANCE)
