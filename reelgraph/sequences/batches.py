"""Batches of targets with their histories, for the rater networks."""

from __future__ import annotations

from dataclasses import dataclass, fields

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

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def gather_batch(histories: UserHistories, index: Int64[np.ndarray, "batch"], max_history: int) -> Batch:
    """Return the targets at ``index``, each with at most the last ``max_history`` ratings of its history.

    The batch is as wide as its longest history, and at least 1.
    """
    start, end = histories.history_bounds(index)
    width = int(np.minimum(end - start, max_history).max(initial=1))
    rating_index = end[:, None] + np.arange(-width, 0)
    mask = rating_index >= start[:, None]
    rating_index = np.where(mask, rating_index, index[:, None])
    movie_rows = np.where(mask, histories.movie_row[rating_index], 0).astype(np.int64)
    ratings = np.where(mask, normalized_ratings(histories, rating_index), np.float32(0))
    return Batch(
        history=torch.from_numpy(movie_rows),
        ratings=torch.from_numpy(ratings),
        mask=torch.from_numpy(mask),
        target=torch.from_numpy(histories.movie_row[index].astype(np.int64)),
    )
