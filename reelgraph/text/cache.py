"""Vectors of texts that were encoded before, by model and text, on disk."""

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
from reelgraph.text.encoder import MAX_WORD_PIECES

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = Float32[np.ndarray, "texts dim"]


def fingerprint(model: SentenceTransformer, batch_size: int) -> str:
    """Name what a vector depends on beside its text: weights, tokenizer, torch, processor and so on."""
    found = hashlib.sha256()
    for name, weight in model.state_dict().items():
        found.update(f"{name} {weight.dtype}".encode())
        found.update(weight.cpu().contiguous().view(torch.uint8).numpy())
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    found.update((tokenizer.to_str() if hasattr(tokenizer, "to_str") else repr(tokenizer)).encode())
    capability, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
    where = f"{torch.__version__} {capability} {threads} {model.device.type}"
    found.update(f"{MAX_WORD_PIECES} {batch_size} {where}".encode())
    return found.hexdigest()[:32]


def encode_with_cache(folder: Path, texts: list[str], encode: Callable[[list[str]], Vectors]) -> Vectors:
    """Return the vector of each text; those that the folder doesn't have are encoded and added to it.

    Args:
        folder: of one fingerprint; made where it isn't there, and written anew where it is broken.
        texts: any strings, in any order.
        encode: returns the vectors of texts, each distinct.
    """
    keys, vectors = _read(folder)
    row = {key: place for place, key in enumerate(keys.tolist())}
    of_text = {text: _key(text) for text in set(texts)}
    new = sorted(text for text, key in of_text.items() if key not in row)
    if new:
        keys = np.concatenate([keys, np.array([of_text[text] for text in new], keys.dtype)])
        found = encode(new)
        vectors = np.concatenate([vectors, found]) if len(vectors) else found
        write_arrays({"keys": keys, "vectors": vectors}, folder)
        row = {key: place for place, key in enumerate(keys.tolist())}
    return vectors[np.array([row[of_text[text]] for text in texts], np.int64)]


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest().encode()


def _read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        keys, vectors = read_array(folder / "keys.npy"), read_array(folder / "vectors.npy")
        if keys.dtype == np.dtype("S32") and keys.shape == vectors.shape[:1] and vectors.ndim == 2:
            return np.array(keys), vectors
    except ArtifactError:
        pass
    return np.zeros(0, "S32"), np.zeros((0, 0), np.float32)
