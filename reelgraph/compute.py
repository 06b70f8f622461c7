"""Setting torch up so that the same inputs give the same bytes."""

from __future__ import annotations

import os

# Threads that spin while they wait make a step ten times slower on a machine that has other work too.
# OpenMP reads this once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch

from reelgraph.params.compute import Compute


def prepare(params: Compute) -> None:
    """Fix the number of threads and refuse algorithms whose result varies."""
    torch.set_num_threads(params.threads)
    torch.use_deterministic_algorithms(True)
    # Filling fresh memory only guards against reading it before it is written, and costs 6 % of a GNN epoch.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
