"""Vectors of entity names, by fastText: trained here on the catalogue, or read from a model file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32

from reelgraph.graph.fasttext_file import sentence_vectors
from reelgraph.runtime.errors import InputError, PackageError
from reelgraph.schemas.columns import TEXT_COLUMNS

HUB_REPOSITORY, HUB_FILE = "facebook/fasttext-en-vectors", "model.bin"
"""cc.en.300.bin under the name that the hub has for it."""

SKIP_GRAM = {
    "model": "skipgram", "dim": 300, "minn": 5, "maxn": 5, "minCount": 2,
    "ws": 2, "neg": 3, "bucket": 50_000, "thread": 1,
}  # fmt: skip
"""As cc.en.300 (300 d, subwords of 5 letters), but for a small text: few buckets, one
thread, because several would race. The library's own seed (0) is fixed."""

HIGHEST_STEP, LOWEST_STEP = 0.5, 0.05
"""A small text needs a high step. On a large one it can lead to NaN; then the step is halved, down to
fastText's own."""


def embed_names(
    source: str, epochs: int, movies: pa.Table, names: list[str]
) -> Float32[np.ndarray, "names dim"]:
    """Return the fastText sentence vector of each name.

    Args:
        source: ``train``, ``hub`` (cc.en.300.bin), or the path of a ``.bin`` file.
        epochs: passes over the text, with ``train`` only.
        movies: the catalogue's text columns, with ``train`` only.
        names: white-space runs already one space.

    Raises:
        InputError: the model file is missing or can't be used; nothing to train on.
        PackageError: the hub doesn't give the file.
    """
    if source == "train":
        return _trained(build_corpus(movies), epochs, names)
    return sentence_vectors(_from_hub() if source == "hub" else Path(source).expanduser(), names)


def build_corpus(movies: pa.Table) -> list[str]:
    """Return one line a movie: all names, then title and text; so that people meet whom they work with."""
    order = (*TEXT_COLUMNS[3:], *TEXT_COLUMNS[:3])
    cells = [pc.fill_null(movies[name], "") for name in order]
    return [" ".join(line.split()) for line in pc.binary_join_element_wise(*cells, " ").to_pylist()]


def _trained(lines: list[str], epochs: int, names: list[str]) -> np.ndarray:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as text:
        text.write("\n".join(lines) + "\n")
        text.flush()
        try:
            model = _model(text.name, epochs, HIGHEST_STEP)
        except ValueError as error:
            raise InputError("kg.fasttext train", "a catalogue with words that occur twice", str(error),
                             "Set kg.fasttext to hub or to the path of a model.") from error  # fmt: skip
    return np.stack([model.get_sentence_vector(name) for name in names]).astype(np.float32)


def _model(path: str, epochs: int, step: float) -> Any:
    import fasttext

    verbose = 2 if sys.stderr.isatty() else 0
    try:
        return fasttext.train_unsupervised(path, lr=step, epoch=epochs, verbose=verbose, **SKIP_GRAM)
    except RuntimeError as error:
        if "NaN" not in str(error) or step <= LOWEST_STEP:
            raise
        return _model(path, epochs, step / 2)


def _from_hub() -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(HUB_REPOSITORY, HUB_FILE))
    except Exception as error:
        raise PackageError(f"kg.fasttext hub: {HUB_REPOSITORY}/{HUB_FILE}", "7 GB from the hub",
                           (str(error).splitlines() or [type(error).__name__])[0],
                           "Check the network, or set kg.fasttext to train.") from error  # fmt: skip
