"""Sentence vectors of texts, by Sentence-Transformers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.errors import InputError, PackageError
from reelgraph.progress import progress
from reelgraph.resuming import State

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_WORD_PIECES = 256
"""What lies behind is cut off (SPEC, bert_encode)."""


def load_encoder(place: Path | str) -> SentenceTransformer:
    """Load a model in float32 on the CPU; only a hub name makes it use the network.

    Args:
        place: a folder, or a name on the hub, as ``weights.locate`` returns it.

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
        model = SentenceTransformer(str(place), device="cpu", local_files_only=local)
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

    A text that occurs many times is encoded once. Batches hold texts of similar
    length, so that little is padded; padding is masked, and a vector depends on
    its batch by rounding only (below 1e-6).

    Args:
        model: pools by itself (all-MiniLM-L6-v2: the mean of the word pieces' vectors, 384 d).
        texts: any strings, in any order.
        batch_size: texts in one forward pass.
        state: where to go on from.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    vectors = np.empty((len(distinct), model.get_embedding_dimension() or 0), dtype=np.float32)
    state = state or State(None)
    if state.done:
        vectors[: state.done] = state.tensors["vectors"].numpy()
    starts = range(state.done, len(distinct), batch_size)
    for start in progress(starts, "encode", total=len(starts)):
        part = distinct[start : start + batch_size]
        end = start + len(part)
        vectors[start:end] = model.encode(
            part, batch_size=batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        state.keep(end, {"vectors": torch.from_numpy(vectors[:end])})
    row = {text: index for index, text in enumerate(distinct)}
    return vectors[np.fromiter((row[text] for text in texts), dtype=np.int64, count=len(texts))]
