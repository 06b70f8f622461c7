"""Batches of targets with their histories, for the rater networks."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from reelgraph.sequences.dataset import UserHistories, normalized_ratings


@dataclass(frozen=True)
class Batch:
    """Targets and the ratings before them, padded at the front."""

    history: Int64[Tensor, "batch history"]
    """Movie rows; 0 for padding."""
    ratings: Float[Tensor, "batch history"]
    """Normalized ratings; 0 for padding."""
    mask: Bool[Tensor, "batch history"]
    """True for a rating, False for padding."""
    target: Int64[Tensor, "batch"]
    """Movie row of the target."""
    history_timestamp: Int64[Tensor, "batch history"] | None = None
    """Unix seconds of each rating; 0 for padding. None: not known."""
    target_timestamp: Int64[Tensor, "batch"] | None = None
    """Unix seconds of the target. None: not known."""

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        tensors: dict[str, Any] = {}
        for field in fields(self):
            tensor = getattr(self, field.name)
            tensors[field.name] = None if tensor is None else tensor.to(device)
        return Batch(**tensors)


def gather_batch(histories: UserHistories, index: Int64[np.ndarray, "batch"], max_history: int) -> Batch:
    """Return the targets at ``index``, each with at most the last ``max_history`` ratings of its history.

    The batch is as wide as its longest history, and at least 1.
    """
    start = histories.offsets[histories.users_of(index)]
    end = histories.history_end(index)
    width = int(np.minimum(end - start, max_history).max(initial=1))
    rating_index = end[:, None] + np.arange(-width, 0)
    mask = rating_index >= start[:, None]
    rating_index = np.where(mask, rating_index, index[:, None])
    movie_rows = np.where(mask, histories.movie_row[rating_index], 0).astype(np.int64)
    ratings = np.where(mask, normalized_ratings(histories, rating_index), np.float32(0))
    timestamps = np.where(mask, histories.timestamp[rating_index], 0)
    return Batch(
        history=torch.from_numpy(movie_rows),
        ratings=torch.from_numpy(ratings),
        mask=torch.from_numpy(mask),
        target=torch.from_numpy(histories.movie_row[index].astype(np.int64)),
        history_timestamp=torch.from_numpy(timestamps),
        target_timestamp=torch.from_numpy(np.array(histories.timestamp[index])),
    )
