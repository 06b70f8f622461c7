"""Text embeddings by a Sentence-Transformers model, reproducible to the byte.

An embedding depends on the model, the batch size and the text, but not on the other texts of its batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int32, Int64
from torch import Tensor
from torch.nn.functional import normalize

from reelgraph.core.parallel import parallel_map
from reelgraph.runtime.checkpointing import Checkpoint
from reelgraph.runtime.progress import progress

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_TOKENS = 256
"""Longer texts are truncated (docs/reference.md, bert_encode)."""

LENGTH_MULTIPLE = 8
"""Texts are padded to a multiple of this many tokens."""

CHECKPOINT_INTERVAL = 32
"""Batches between two checkpoints."""

TOKENIZE_CHUNK = 1024
"""Texts tokenized at a time."""


def encode(
    model: SentenceTransformer, texts: list[str], batch_size: int, checkpoint: Checkpoint | None = None
) -> Float32[np.ndarray, "texts dim"]:
    """Return the L2-normalized embedding of each text.

    Duplicate texts are encoded once. Each batch holds texts of one padded length, so that little is padded. A
    short batch is filled up by repeating its texts, because some CPUs sum products of fewer rows in another
    order. On the CPU, each batch is computed by one thread.

    Args:
        model: ends in a pooling layer. That of all-MiniLM-L6-v2 averages the token vectors (384 d).
        texts: any strings, in any order.
        batch_size: texts per forward pass. Embeddings depend on it through rounding.
        checkpoint: progress of an interrupted run to continue from.
    """
    distinct = sorted(set(texts))
    tokenized = _tokenize(model, distinct)
    widths = -(-np.diff(tokenized.offsets) // LENGTH_MULTIPLE) * LENGTH_MULTIPLE
    order = np.argsort(widths, kind="stable")
    vectors = np.empty((len(distinct), model.get_embedding_dimension() or 0), dtype=np.float32)
    checkpoint = checkpoint or Checkpoint(None)
    completed = checkpoint.completed
    if completed:
        vectors[:completed] = checkpoint.tensors["vectors"].numpy()
    batches = [(start, end) for start, end in _batch_bounds(widths[order], batch_size) if end > completed]

    @torch.inference_mode()
    def encode_batch(bounds: tuple[int, int]) -> None:
        start, end = bounds
        rows = np.resize(order[start:end], batch_size)
        vectors[start:end] = _forward(model, tokenized, rows, int(widths[rows[0]]))[: end - start]

    for first in progress(range(0, len(batches), CHECKPOINT_INTERVAL), "encode"):
        part = batches[first : first + CHECKPOINT_INTERVAL]
        if model.device.type == "cpu":
            parallel_map(encode_batch, part)
        else:
            for bounds in part:
                encode_batch(bounds)
        end = part[-1][1]
        checkpoint.save(end, {"vectors": torch.from_numpy(vectors[:end])})
    row_of_text = {distinct[index]: row for row, index in enumerate(order)}
    return vectors[np.fromiter((row_of_text[text] for text in texts), dtype=np.int64, count=len(texts))]


class TokenizedTexts(NamedTuple):
    """The tokens of several texts, concatenated."""

    offsets: Int64[np.ndarray, " texts_plus_1"]
    """Index of the first token of each text."""
    inputs: dict[str, Int32[Tensor, " tokens"]]
    """Model inputs per token, by name, such as ``input_ids``."""
    shared_kwargs: dict[str, Any]
    """Model inputs that are the same for all texts."""


def _tokenize(model: SentenceTransformer, texts: list[str]) -> TokenizedTexts:
    """Tokenize all texts once, since their lengths are needed before the first batch."""
    parts: dict[str, list[Tensor]] = {}
    counts = [np.zeros(1, np.int64)]
    shared_kwargs = {}
    for start in range(0, len(texts), TOKENIZE_CHUNK):
        features = model.preprocess(texts[start : start + TOKENIZE_CHUNK])
        is_token = features["attention_mask"].bool()
        counts.append(is_token.sum(dim=1).numpy())
        for name, values in features.items():
            if isinstance(values, Tensor) and values.shape == is_token.shape:
                parts.setdefault(name, []).append(values[is_token].int())
            else:
                shared_kwargs[name] = values
    inputs = {name: torch.cat(chunks) for name, chunks in parts.items()}
    return TokenizedTexts(np.concatenate(counts).cumsum(), inputs, shared_kwargs)


def _batch_bounds(widths: Int64[np.ndarray, " texts"], batch_size: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of batches of equal width, given ascending widths."""
    bounds = [0, *(np.flatnonzero(np.diff(widths)) + 1).tolist(), len(widths)]
    for first, last in pairwise(bounds):
        for start in range(first, last, batch_size):
            yield start, min(start + batch_size, last)


def _forward(
    model: SentenceTransformer, tokenized: TokenizedTexts, rows: Int64[np.ndarray, " texts"], width: int
) -> Float32[np.ndarray, "texts dim"]:
    """Run the model on one batch; pooling is always in float32."""
    transformer, *pooling = model
    features = transformer({**tokenized.shared_kwargs, **_pad(model, tokenized, rows, width)})
    features["token_embeddings"] = features["token_embeddings"].float()
    for module in pooling:
        features = module(features)
    return normalize(features["sentence_embedding"], dim=1).cpu().numpy()


def _pad(
    model: SentenceTransformer, tokenized: TokenizedTexts, rows: Int64[np.ndarray, " texts"], width: int
) -> dict[str, Int64[Tensor, "texts width"]]:
    """Return the model inputs of a batch, padded to one width."""
    pad_values = {"input_ids": getattr(model.tokenizer, "pad_token_id", None) or 0}
    positions = tokenized.offsets[rows][:, None] + np.arange(width)
    is_token = torch.from_numpy(positions < tokenized.offsets[rows + 1][:, None])
    inputs = {}
    for name, values in tokenized.inputs.items():
        padded = torch.full(is_token.shape, pad_values.get(name, 0))
        padded[is_token] = values[torch.from_numpy(positions)[is_token]].long()
        inputs[name] = padded.to(model.device)
    return inputs
