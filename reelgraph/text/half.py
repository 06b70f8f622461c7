"""The encoder in half the width, where that leaves its vectors as they are."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from reelgraph.runtime.errors import ParamError
from reelgraph.text.encoder import encode

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LEAST_COSINE = 0.999
"""Of a text's two vectors. Linear layers in int8 were tried: 0.87 at worst (torch's dynamic quantization)."""

SAMPLE = 48
"""Texts that both encode, from the shortest to the longest."""


def halved(model: SentenceTransformer, texts: list[str]) -> SentenceTransformer:
    """Return the model in bfloat16; what pools the word pieces' vectors stays in float32.

    Args:
        model: in float32.
        texts: what is to be encoded; a sample of it is encoded by both.

    Raises:
        ParamError: a text's vector differs by more than a cosine of 0.999 allows.
    """
    half = copy.deepcopy(model)
    half[0].bfloat16()
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(SAMPLE, len(ordered))).round().astype(int))
    sample = [ordered[place] for place in places]
    cosines = (encode(model, sample, 1) * encode(half, sample, 1)).sum(axis=1)
    if cosines.min(initial=1.0) < LEAST_COSINE:
        worst = sample[int(cosines.argmin())]
        raise ParamError("text.precision bfloat16", f"vectors at a cosine of {LEAST_COSINE} to float32's",
                         f"{cosines.min():.5f} for {worst[:40]!r}",
                         "Set text.precision to float32.")  # fmt: skip
    return half
