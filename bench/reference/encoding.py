"""bert_encode in a plain implementation: 64 texts at a time, float32 (docs/reference.md)."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

BATCH = 64
LONGEST = 256


class Encoder:
    """A model of Sentence-Transformers' in its folder, by transformers alone."""

    def __init__(self, folder: str) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).float().eval()

    def encode(self, texts: list[str]) -> np.ndarray:
        """Return mean-pooled, L2-normalised vectors."""
        vectors = []
        for start in range(0, len(texts), BATCH):
            tokens = self.tokenizer(
                texts[start : start + BATCH], padding=True, truncation=True, max_length=LONGEST,
                return_tensors="pt",
            )  # fmt: skip
            with torch.no_grad():
                hidden = self.model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1).float()
            pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
            vectors.append(normalize(pooled, dim=1).numpy())
        return np.concatenate(vectors)
