"""fastText embeddings of entity names, trained on the catalogue or read from a model file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32

from reelgraph.core.schemas.columns import ENTITY_COLUMNS, TEXT_COLUMNS
from reelgraph.graph.fasttext_file import read_dimension, sentence_vectors
from reelgraph.runtime.errors import InputError, PackageError

HUB_REPOSITORY = "facebook/fasttext-en-vectors"
HUB_FILE = "model.bin"
"""The hub's name for cc.en.300.bin."""

HUB_TIMEOUT_S = 3
"""Seconds within which the hub must answer."""

SKIP_GRAM = {
    "model": "skipgram", "dim": 300, "minn": 5, "maxn": 5, "minCount": 2,
    "ws": 2, "neg": 3, "bucket": 50_000, "thread": 1,
}  # fmt: skip
"""Like cc.en.300 (300 d, subwords of 5 letters), with few buckets for a small text. One thread, because
several threads race. The library's own seed (0) is fixed."""

MAX_LEARNING_RATE = 0.5
MIN_LEARNING_RATE = 0.05
"""A small text needs a high learning rate. If it leads to NaN on a larger text, it is halved, down to the
default of fastText."""


def embed_names(
    source: str, epochs: int, movies: pa.Table, names: list[str]
) -> Float32[np.ndarray, "names dim"]:
    """Return the fastText sentence vector of each name.

    Args:
        source: ``train``, ``hub`` (cc.en.300.bin), or the path of a ``.bin`` file.
        epochs: passes over the text; used with ``train`` only.
        movies: the text columns of the catalogue; used with ``train`` only.
        names: with runs of white space already collapsed.

    Raises:
        InputError: the model file is missing or unusable, or there is no text to train on.
        PackageError: the file cannot be downloaded from the hub.
    """
    if source == "train":
        return _train_and_embed(build_corpus(movies), epochs, names)
    path = _download_from_hub() if source == "hub" else Path(source).expanduser()
    return sentence_vectors(path, names)


def check_model_dimension(source: str, dim: int) -> None:
    """Check that a model file has the dimension of the movie features, before anything is computed.

    Args:
        source: as in ``embed_names``; the dimension of ``train`` and ``hub`` is checked with the params.
        dim: ``projection.dim``.

    Raises:
        InputError: the file is missing, not a fastText model, or has another dimension.
    """
    if source in ("train", "hub"):
        return
    model_dim = read_dimension(Path(source).expanduser())
    if model_dim != dim:
        remedy = f"Set projection.dim to {model_dim}, or use another model."
        raise InputError(f"kg.fasttext {source}", f"a model of {dim} dimensions, as projection.dim states",
                         f"{model_dim} dimensions", remedy)  # fmt: skip


def build_corpus(movies: pa.Table) -> list[str]:
    """Return one line per movie: all entity names, then title, tagline and overview.

    Names of one movie thus share a context window.
    """
    entity_columns = [column for columns in ENTITY_COLUMNS.values() for column in columns]
    text_columns = [column for column in TEXT_COLUMNS if column not in entity_columns]
    present = [column for column in (*entity_columns, *text_columns) if column in movies.column_names]
    cells = [pc.fill_null(movies[column], "") for column in present]
    return [" ".join(line.split()) for line in pc.binary_join_element_wise(*cells, " ").to_pylist()]


def _train_and_embed(lines: list[str], epochs: int, names: list[str]) -> np.ndarray:
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        try:
            model = _train(file.name, epochs, MAX_LEARNING_RATE)
        except ValueError as error:
            raise InputError("kg.fasttext train", "a catalogue with words that occur twice", str(error),
                             "Set kg.fasttext to hub or to the path of a model.") from error  # fmt: skip
    return np.stack([model.get_sentence_vector(name) for name in names]).astype(np.float32)


def _train(path: str, epochs: int, learning_rate: float) -> Any:
    """Train a skip-gram model; on NaN retry with half the learning rate."""
    import fasttext

    verbose = 2 if sys.stderr.isatty() else 0
    try:
        return fasttext.train_unsupervised(path, lr=learning_rate, epoch=epochs, verbose=verbose, **SKIP_GRAM)
    except RuntimeError as error:
        if "NaN" not in str(error) or learning_rate <= MIN_LEARNING_RATE:
            raise
        return _train(path, epochs, learning_rate / 2)


def _download_from_hub() -> Path:
    from huggingface_hub import HfApi, hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(HUB_REPOSITORY, HUB_FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        # A download repeats its requests for half a minute; this one is sent once.
        HfApi().model_info(HUB_REPOSITORY, timeout=HUB_TIMEOUT_S)
        return Path(hf_hub_download(HUB_REPOSITORY, HUB_FILE))
    except Exception as error:
        raise PackageError(f"kg.fasttext hub: {HUB_REPOSITORY}/{HUB_FILE}", "7 GB from the hub",
                           (str(error).splitlines() or [type(error).__name__])[0],
                           "Check the network, or set kg.fasttext to train.") from error  # fmt: skip
