"""Setting torch up so that the same inputs give the same bytes."""

from __future__ import annotations

import torch

from reelgraph.params.compute import Compute


def prepare(params: Compute) -> None:
    """Fix the number of threads and refuse algorithms whose result varies."""
    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True)
