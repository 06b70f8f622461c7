"""bert_encode: from texts to vectors, without loading the model."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bench.data import FULL_MOVIES, catalog
from bench.reference.encoding import Encoder
from bench.side import Device, Ran
from reelgraph.core.torch_setup import prepare as prepare_torch
from reelgraph.params.compute import Compute
from reelgraph.text.encoder import encode, load_encoder
from reelgraph.text.half import halved
from reelgraph.text.movie_text import movie_texts
from reelgraph.text.weights import locate

COUNTS = "texts, drawn from those of 54,520 movies"
GOAL = 4
SIZES = {"small": (100, 200, 400), "full": (2_000, 4_000, 8_000)}
LEAST_COSINE, BATCH = 0.999, 16


def prepare(folder: Path, size: int) -> None:
    """Write the texts."""
    texts = np.array(movie_texts(catalog(FULL_MOVIES)).to_pylist())
    np.save(folder / "texts.npy", np.random.default_rng(0).choice(texts, size, replace=False))


def reference(folder: Path, size: int) -> Ran:
    """Encode them in their order."""
    texts, encoder = np.load(folder / "texts.npy").tolist(), Encoder(str(locate("package")))
    start = time.perf_counter()
    vectors = encoder.encode(texts)
    return Ran([time.perf_counter() - start], {"vectors": vectors})


def ours(folder: Path, size: int, device: Device = "cpu") -> Ran:
    """Encode them as the stage does in bfloat16, its gate included, without a cache."""
    texts, model = (
        np.load(folder / "texts.npy").tolist(),
        load_encoder(locate("package"), prepare_torch(Compute(threads=2, device=device))),
    )
    start = time.perf_counter()
    vectors = encode(halved(model, texts), texts, BATCH)
    return Ran([time.perf_counter() - start], {"vectors": vectors})


def check(reference: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> None:
    """Every text's vectors have a cosine of 0.999 at least."""
    cosine = (reference["vectors"] * ours["vectors"]).sum(axis=1)
    assert cosine.min() >= LEAST_COSINE, f"lowest cosine {cosine.min():.6f}"
