"""Cache of text embeddings on disk: one folder per model, one row per text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.runtime.atomic_io import read_array, write_arrays
from reelgraph.runtime.errors import ArtifactError
from reelgraph.text.encoder import MAX_TOKENS

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = Float32[np.ndarray, "texts dim"]


def fingerprint(model: SentenceTransformer, batch_size: int, backend: str = "torch") -> str:
    """Return a hash of everything besides the text that an embedding depends on.

    It covers the weights, the tokenizer, the batch size, the version of torch, the instruction set of the
    CPU, the number of threads, the device, and what computes the model.
    """
    digest = hashlib.sha256()
    for name, weight in model.state_dict().items():
        digest.update(f"{name} {weight.dtype}".encode())
        digest.update(weight.cpu().reshape(-1).view(torch.uint8).numpy())
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    digest.update((tokenizer.to_str() if hasattr(tokenizer, "to_str") else repr(tokenizer)).encode())
    capability = torch.backends.cpu.get_cpu_capability()
    environment = f"{torch.__version__} {capability} {torch.get_num_threads()} {model.device.type}"
    suffix = "" if backend == "torch" else f" {backend}"
    digest.update(f"{MAX_TOKENS} {batch_size} {environment}{suffix}".encode())
    return digest.hexdigest()[:32]


def encode_with_cache(folder: Path, texts: list[str], encode: Callable[[list[str]], Vectors]) -> Vectors:
    """Return the embedding of each text, encoding only the texts that the cache lacks.

    Args:
        folder: cache of one model, named by its ``fingerprint``. It is created if missing and rebuilt if
            damaged.
        texts: any strings, in any order.
        encode: returns the embeddings of a list of distinct texts.
    """
    keys, vectors = _read(folder)
    row_of_key = {key: row for row, key in enumerate(keys.tolist())}
    key_of_text = {text: _key(text) for text in set(texts)}
    missing = sorted(text for text, key in key_of_text.items() if key not in row_of_key)
    if missing:
        keys = np.concatenate([keys, np.array([key_of_text[text] for text in missing], keys.dtype)])
        encoded = encode(missing)
        vectors = np.concatenate([vectors, encoded]) if len(vectors) else encoded
        write_arrays({"keys": keys, "vectors": vectors}, folder)
        row_of_key = {key: row for row, key in enumerate(keys.tolist())}
    return vectors[np.array([row_of_key[key_of_text[text]] for text in texts], np.int64)]


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest().encode()


def _read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys and vectors of the cache; both are empty if it is missing or damaged."""
    try:
        keys = read_array(folder / "keys.npy")
        vectors = read_array(folder / "vectors.npy")
        if keys.dtype == np.dtype("S32") and keys.shape == vectors.shape[:1] and vectors.ndim == 2:
            return np.array(keys), vectors
    except ArtifactError:
        pass
    return np.zeros(0, "S32"), np.zeros((0, 0), np.float32)
