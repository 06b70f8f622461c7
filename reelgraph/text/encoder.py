"""Sentence vectors of texts, by Sentence-Transformers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int32, Int64
from torch import Tensor
from torch.nn.functional import normalize

from reelgraph.core.torch_setup import CPU
from reelgraph.runtime.checkpointing import Checkpoint
from reelgraph.runtime.errors import InputError, PackageError
from reelgraph.runtime.progress import progress

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
                  "Set text.model to bundled, which works offline.")  # fmt: skip


def encode(
    model: SentenceTransformer, texts: list[str], batch_size: int, state: Checkpoint | None = None
) -> Float32[np.ndarray, "texts dim"]:
    """Return the L2-normalised vector of each text.

    A text that occurs many times is encoded once. Batches hold texts of one length, rounded up to a multiple
    of eight word pieces: little is padded. A batch of fewer texts is filled up with its own, since some
    processors sum products of fewer rows in another order: a vector doesn't depend, not even by rounding, on
    its company.

    Args:
        model: pools by itself (all-MiniLM-L6-v2: the mean of the word pieces' vectors, 384 d).
        texts: any strings, in any order.
        batch_size: texts in one forward pass; vectors depend on it, by rounding.
        state: where to go on from.
    """
    distinct = sorted(set(texts))
    pieces = _cut(model, distinct)
    widths = -(-np.diff(pieces.offsets) // STEP) * STEP
    order = np.argsort(widths, kind="stable")
    vectors = np.empty((len(distinct), model.get_embedding_dimension() or 0), dtype=np.float32)
    state = state or Checkpoint(None)
    if state.completed:
        vectors[: state.completed] = state.tensors["vectors"].numpy()
    batches = [(first, last) for first, last in _batches(widths[order], batch_size) if last > state.completed]
    with torch.inference_mode():
        for first, last in progress(batches, "encode"):
            rows = np.resize(order[first:last], batch_size)
            vectors[first:last] = _encoded(model, pieces, rows, int(widths[rows[0]]))[: last - first]
            state.save(last, {"vectors": torch.from_numpy(vectors[:last])})
    row = {distinct[place]: index for index, place in enumerate(order)}
    return vectors[np.fromiter((row[text] for text in texts), dtype=np.int64, count=len(texts))]


class Pieces(NamedTuple):
    """The word pieces of texts, one text's after another."""

    offsets: Int64[np.ndarray, " texts_plus_1"]
    """Where each text's begin."""
    given: dict[str, Int32[Tensor, " pieces"]]
    """What the model reads of each, by its name."""
    said: dict[str, Any]
    """What it is told of all texts."""


def _cut(model: SentenceTransformer, texts: list[str]) -> Pieces:
    """Cut texts into word pieces, once: counting them takes as long as the GELUs of a pass in bfloat16."""
    parts: dict[str, list[Tensor]] = {}
    counts, said = [np.zeros(1, np.int64)], {}
    for start in range(0, len(texts), TOKENISED):
        given = model.preprocess(texts[start : start + TOKENISED])
        there = given["attention_mask"].bool()
        counts.append(there.sum(dim=1).numpy())
        for name, values in given.items():
            if isinstance(values, Tensor) and values.shape == there.shape:
                parts.setdefault(name, []).append(values[there].int())
            else:
                said[name] = values
    return Pieces(
        np.concatenate(counts).cumsum(), {name: torch.cat(each) for name, each in parts.items()}, said
    )


def _batches(widths: Int64[np.ndarray, " texts"], size: int) -> Iterator[tuple[int, int]]:
    """Yield bounds of stretches of ascending widths that have one width and at most ``size`` texts."""
    bounds = [0, *(np.flatnonzero(np.diff(widths)) + 1).tolist(), len(widths)]
    for start, end in pairwise(bounds):
        for first in range(start, end, size):
            yield first, min(first + size, end)


def _encoded(
    model: SentenceTransformer, pieces: Pieces, rows: Int64[np.ndarray, " texts"], width: int
) -> Float32[np.ndarray, "texts dim"]:
    first, *rest = model
    given = first({**pieces.said, **_filled(model, pieces, rows, width)})
    given["token_embeddings"] = given["token_embeddings"].float()
    for module in rest:
        given = module(given)
    return normalize(given["sentence_embedding"], dim=1).cpu().numpy()


def _filled(
    model: SentenceTransformer, pieces: Pieces, rows: Int64[np.ndarray, " texts"], width: int
) -> dict[str, Int64[Tensor, "texts width"]]:
    """Return what the model reads of some texts, filled up to one width."""
    fill = {"input_ids": getattr(model.tokenizer, "pad_token_id", None) or 0}
    place = pieces.offsets[rows][:, None] + np.arange(width)
    there = torch.from_numpy(place < pieces.offsets[rows + 1][:, None])
    found = {}
    for name, values in pieces.given.items():
        found[name] = torch.full(there.shape, fill.get(name, 0))
        found[name][there] = values[torch.from_numpy(place)[there]].long()
    return {name: values.to(model.device) for name, values in found.items()}
