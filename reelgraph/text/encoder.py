"""Sentence vectors of texts, by Sentence-Transformers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch.nn.functional import normalize, pad

from reelgraph.compute import CPU
from reelgraph.errors import InputError, PackageError
from reelgraph.progress import progress
from reelgraph.resuming import State

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_WORD_PIECES = 256
"""What lies behind is cut off (SPEC, bert_encode)."""

STEP = 8
TOKENISED = 1024
"""Texts that are cut into word pieces at a time, to count them."""


def load_encoder(place: Path | str, device: torch.device = CPU) -> SentenceTransformer:
    """Load a model in float32; only a hub name makes it use the network.

    Args:
        place: a folder, or a name on the hub, as ``weights.locate`` returns it.
        device: to compute on.

    Raises:
        InputError: the folder holds no model that Sentence-Transformers can load.
        PackageError: the hub doesn't answer or doesn't have the model.
    """
    local = isinstance(place, Path)
    if local:
        os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        model = SentenceTransformer(str(place), device=str(device), local_files_only=local)
    except Exception as error:
        raise _refusal(place, error) from error
    limit = model.max_seq_length or MAX_WORD_PIECES
    model.max_seq_length = min(limit, MAX_WORD_PIECES)
    return model.float().eval()


def _refusal(place: Path | str, error: Exception) -> InputError | PackageError:
    family = InputError if isinstance(place, Path) else PackageError
    return family(f"text.model {place}", "a model that Sentence-Transformers can load",
                  (str(error).splitlines() or [type(error).__name__])[0],
                  "Set text.model to package, which works offline.")  # fmt: skip


def encode(
    model: SentenceTransformer, texts: list[str], batch_size: int, state: State | None = None
) -> Float32[np.ndarray, "texts dim"]:
    """Return the L2-normalised vector of each text.

    A text that occurs many times is encoded once. Batches hold texts of one length, rounded up to a multiple
    of eight word pieces: little is padded, and a vector doesn't depend, not even by rounding, on its company.

    Args:
        model: pools by itself (all-MiniLM-L6-v2: the mean of the word pieces' vectors, 384 d).
        texts: any strings, in any order.
        batch_size: texts in one forward pass.
        state: where to go on from.
    """
    distinct = sorted(set(texts))
    widths = _widths(model, distinct)
    distinct = [distinct[place] for place in np.argsort(widths, kind="stable")]
    widths = np.sort(widths)
    vectors = np.empty((len(distinct), model.get_embedding_dimension() or 0), dtype=np.float32)
    state = state or State(None)
    if state.done:
        vectors[: state.done] = state.tensors["vectors"].numpy()
    batches = [(first, last) for first, last in _batches(widths, batch_size) if last > state.done]
    with torch.inference_mode():
        for first, last in progress(batches, "encode"):
            vectors[first:last] = _encoded(model, distinct[first:last], int(widths[first]))
            state.keep(last, {"vectors": torch.from_numpy(vectors[:last])})
    row = {text: index for index, text in enumerate(distinct)}
    return vectors[np.fromiter((row[text] for text in texts), dtype=np.int64, count=len(texts))]


def _widths(model: SentenceTransformer, texts: list[str]) -> Int64[np.ndarray, " texts"]:
    """Return each text's number of word pieces, rounded up to a multiple of eight."""
    parts = [
        model.preprocess(texts[start : start + TOKENISED])["attention_mask"].sum(dim=1)
        for start in range(0, len(texts), TOKENISED)
    ]
    return -(-torch.cat([torch.zeros(0, dtype=torch.int64), *parts]).numpy() // STEP) * STEP


def _batches(widths: Int64[np.ndarray, " texts"], size: int) -> Iterator[tuple[int, int]]:
    """Yield bounds of stretches of ascending widths that have one width and at most ``size`` texts."""
    bounds = [0, *(np.flatnonzero(np.diff(widths)) + 1).tolist(), len(widths)]
    for start, end in pairwise(bounds):
        for first in range(start, end, size):
            yield first, min(first + size, end)


def _encoded(model: SentenceTransformer, texts: list[str], width: int) -> Float32[np.ndarray, "texts dim"]:
    given = model.preprocess(texts)
    fill = {"input_ids": getattr(model.tokenizer, "pad_token_id", None) or 0}
    for name, values in given.items():
        if isinstance(values, torch.Tensor) and values.ndim == 2 and values.shape[1] < width:
            given[name] = pad(values, (0, width - values.shape[1]), value=fill.get(name, 0))
    first, *rest = model
    given = {
        name: each.to(model.device) if isinstance(each, torch.Tensor) else each
        for name, each in given.items()
    }
    given = first(given)
    given["token_embeddings"] = given["token_embeddings"].float()
    for module in rest:
        given = module(given)
    return normalize(given["sentence_embedding"], dim=1).cpu().numpy()
