"""bert_encode: from texts to vectors, without loading the model."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from bench.comparison_worker import Device, SideResult
from bench.reference.encoding import Encoder
from bench.synthetic_data import FULL_MOVIES, catalog
from reelgraph.core.torch_setup import configure_torch as prepare_torch
from reelgraph.params.base import Compute
from reelgraph.text.encoder import encode
from reelgraph.text.movie_text import movie_texts
from reelgraph.text.precision import Precision, to_precision_checked
from reelgraph.text.sentence_model import load_encoder, locate_model

COUNTS = "texts, drawn from those of 54,520 movies"
GOAL = 4
SIZES = {"small": (100, 200, 400), "full": (2_000, 4_000, 8_000)}
LEAST_COSINE, BATCH = 0.999, 16


def prepare(folder: Path, size: int) -> None:
    """Write the texts."""
    texts = np.array(movie_texts(catalog(FULL_MOVIES)).to_pylist())
    np.save(folder / "texts.npy", np.random.default_rng(0).choice(texts, size, replace=False))


def reference(folder: Path, size: int) -> SideResult:
    """Encode them in their order."""
    texts, encoder = np.load(folder / "texts.npy").tolist(), Encoder(str(locate_model("bundled")))
    start = time.perf_counter()
    vectors = encoder.encode(texts)
    return SideResult([time.perf_counter() - start], {"vectors": vectors})


def reelgraph(
    folder: Path, size: int, device: Device = "cpu", precision: Precision = "bfloat16"
) -> SideResult:
    """Encode them as the stage does, its comparison with float32 included, without a cache."""
    texts, model = (
        np.load(folder / "texts.npy").tolist(),
        load_encoder(locate_model("bundled"), prepare_torch(Compute(threads=2, device=device))),
    )
    start = time.perf_counter()
    vectors = encode(to_precision_checked(model, precision, texts).model, texts, BATCH)
    return SideResult([time.perf_counter() - start], {"vectors": vectors})


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """Every text's vectors have a cosine of 0.999 at least."""
    cosine = (reference["vectors"] * reelgraph["vectors"]).sum(axis=1)
    assert cosine.min() >= LEAST_COSINE, f"lowest cosine {cosine.min():.6f}"
