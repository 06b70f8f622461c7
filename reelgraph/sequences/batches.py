"""Batches of targets with their histories, gathered from the flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from reelgraph.sequences.dataset import UserHistories, normalized_ratings


@dataclass(frozen=True)
class Batch:
    """Targets and what was rated before them, padded at the front."""

    history: Int64[Tensor, "batch history"]
    """Movie rows; 0 where there is no rating."""
    ratings: Float[Tensor, "batch history"]
    """Scaled ratings; 0 where there is none."""
    mask: Bool[Tensor, "batch history"]
    """True where there is a rating."""
    target: Int64[Tensor, "batch"]
    """Movie row of the target."""

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return Batch(*(getattr(self, each.name).to(device) for each in fields(self)))


def gather_batch(histories: UserHistories, index: Int64[np.ndarray, "batch"], max_history: int) -> Batch:
    """Gather the targets at ``index`` with at most the last ``max_history`` ratings of each one's history.

    The batch is as wide as its longest history, and at least 1.
    """
    start = histories.offsets[histories.users_of(index)]
    end = histories.history_end(index)
    width = int(np.minimum(end - start, max_history).max(initial=1))
    places = end[:, None] + np.arange(-width, 0)
    mask = places >= start[:, None]
    places = np.where(mask, places, index[:, None])
    rows = np.where(mask, histories.movie_row[places], 0).astype(np.int64)
    return Batch(
        history=torch.from_numpy(rows),
        ratings=torch.from_numpy(np.where(mask, normalized_ratings(histories, places), np.float32(0))),
        mask=torch.from_numpy(mask),
        target=torch.from_numpy(histories.movie_row[index].astype(np.int64)),
    )
