"""Processes that train one network together, and where; here the team of one, which shares nothing.

``reelgraph.raters.networks.distributed`` has the team of several.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import nn

from reelgraph.core.torch_setup import CPU
from reelgraph.sequences.arrays import Histories


class Team:
    """One process, which has all of every batch."""

    rank = 0
    """This process's number; 0 keeps the states."""

    def __init__(self, device: torch.device = CPU) -> None:
        """Take the device that this process computes on."""
        self.device = device

    def copied(self, module: nn.Module) -> nn.Module:
        """Return the module such that every process has its weights, and the mean of all gradients."""
        return module

    def begin(self, seed: int, epoch: int) -> None:
        """Get ready for an epoch."""

    def share(
        self, histories: Histories, index: Int64[np.ndarray, " batch"]
    ) -> tuple[Int64[np.ndarray, " mine"], float]:
        """Return this process's targets of a batch, and what their mean loss weighs.

        The weights are such that the mean of the processes' losses is the mean over the batch.
        """
        return index, 1.0

    def mean(self, loss: float) -> float:
        """Return the mean of the processes' numbers."""
        return loss

    def gathered(
        self,
        histories: Histories,
        index: Int64[np.ndarray, " targets"],
        predict: Callable[[Int64[np.ndarray, " mine"]], Float64[np.ndarray, " mine"]],
    ) -> Float64[np.ndarray, " targets"]:
        """Predict each target in the process that has its user; every process gets all."""
        return predict(index)


ALONE = Team()
