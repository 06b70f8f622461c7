"""The registry of raters: finds the module that ``model.type`` names.

The rater NAME is ``reelgraph/raters/NAME.py``, ``reelgraph/raters/networks/NAME.py`` or, for a package,
``reelgraph/raters/NAME/fitting.py``. This module declares what the pipeline needs of the rater as ``RATER``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

import reelgraph.raters
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.networks.distributed import ProcessGroup
from reelgraph.raters.rater import Fitter, MovieInputs, Rater
from reelgraph.runtime.checkpointing import CheckpointDir
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.dataset import UserHistories

MODULES = ("reelgraph.raters.networks.{}", "reelgraph.raters.{}", "reelgraph.raters.{}.fitting")

MakeFitter = Callable[[TrainRaterParams, UserHistories, MovieInputs, CheckpointDir, ProcessGroup], Fitter]
"""Returns the fitter of a rater."""

LoadVectors = Callable[[], Float32[np.ndarray, "movies dim"]]
"""Reads the movie vectors in row order; for raters that do not save them."""

Restore = Callable[[dict[str, Tensor], RaterConfig, LoadVectors, torch.device], Rater]
"""Builds a rater from the tensors that its ``save`` wrote; raises RuntimeError or KeyError on others."""


@dataclass(frozen=True)
class RaterType:
    """What a rater's module declares as ``RATER``."""

    description: str
    """A noun phrase for the model card."""
    make_fitter: MakeFitter
    restore: Restore
    uses_device: bool = False
    """True: computes on ``compute.device``; False: always on the CPU."""
    retain_freed_memory: bool = False
    """Training allocates tensors of the same sizes again and again: see ``configure_torch``."""
    supports_processes: bool = False
    """Trains in several processes: ``train.processes``."""


def find_rater(name: str) -> RaterType:
    """Return the entry of the rater that ``model.type`` names.

    Raises:
        ParamError: there is no such rater.
    """
    rater = _load(name) if name.isidentifier() else None
    if rater is None:
        raise ParamError("model.type", f"one of {', '.join(rater_names())}", name,
                         "Correct it, or add such a rater: see docs/extending.md.")  # fmt: skip
    return rater


def rater_names() -> list[str]:
    """Return the names of all raters, sorted."""
    folders = [f"{path}{suffix}" for path in reelgraph.raters.__path__ for suffix in ("", "/networks")]
    names = {module.name for module in pkgutil.iter_modules(folders)}
    return sorted(name for name in names if _load(name) is not None)


def _load(name: str) -> RaterType | None:
    for pattern in MODULES:
        module = pattern.format(name)
        if _exists(module):
            rater = getattr(import_module(module), "RATER", None)
            if isinstance(rater, RaterType):
                return rater
    return None


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is not a package
        return False
