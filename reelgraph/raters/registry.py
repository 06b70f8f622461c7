"""The registry of raters: finds the module that ``model.type`` names.

The rater NAME is ``reelgraph/raters/NAME.py``, ``reelgraph/raters/networks/NAME.py`` or, for a package,
``reelgraph/raters/NAME/fitting.py``. This module declares what the pipeline needs of the rater as ``RATER``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from reelgraph.core.torch_setup import CPU
from reelgraph.params.base import PARAMS_FILE, Section, validate_section
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.names import rater_module, rater_names
from reelgraph.raters.networks.distributed import ProcessGroup
from reelgraph.raters.rater import Fitter, MovieInputs, Rater
from reelgraph.runtime.checkpointing import CheckpointDir
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.dataset import UserHistories

MakeFitter = Callable[[TrainRaterParams, UserHistories, MovieInputs, CheckpointDir, ProcessGroup], Fitter]
"""Returns the fitter of a rater."""

LoadVectors = Callable[[], Float32[np.ndarray, "movies dim"]]
"""Reads the movie vectors in row order; for raters that do not save them."""

Restore = Callable[[dict[str, Tensor], RaterConfig, LoadVectors, torch.device], Rater]
"""Builds a rater from the tensors that its ``save`` wrote; raises RuntimeError or KeyError on others."""

AppendMovies = Callable[[Any, MovieInputs], Rater]
"""Returns a fitted rater with further, unrated movies, which follow its own among the inputs."""


@dataclass(frozen=True)
class RaterType:
    """What a rater's module declares as ``RATER``."""

    description: str
    """A noun phrase for the model card."""
    make_fitter: MakeFitter
    restore: Restore
    devices: tuple[str, ...] = ("cpu",)
    """Types of the devices that it can compute on."""
    retain_freed_memory: bool = False
    """Training allocates tensors of the same sizes again and again: see ``configure_torch``."""
    supports_processes: bool = False
    """Trains in several processes: ``train.processes``."""
    append_movies: AppendMovies | None = None
    """None: movies can't be added to a fitted rater of this type."""
    supports_user_batches: bool = True
    """False: refuses ``train.users_per_batch``. A rater that does not read it ignores it."""
    params: type[Section] | None = None
    """Its entry of the section ``raters``; None: it has none."""

    def choose_device(self, device: torch.device) -> torch.device:
        """Return the device, or the CPU if the rater cannot compute on it."""
        return device if device.type in self.devices else CPU


def find_rater(name: str) -> RaterType:
    """Return the entry of the rater that ``model.type`` names.

    Raises:
        ParamError: there is no such rater.
    """
    return import_module(rater_module(name)).RATER


def check_rater_params(params: TrainRaterParams) -> RaterType:
    """Return the entry of the rater that the params select.

    Raises:
        ParamError: there is no such rater, or it does not support ``train.processes`` or
            ``train.users_per_batch``; or an entry of the section ``raters`` is not valid.
    """
    name = params.model.type
    rater = find_rater(name)
    _check_entries(params)
    if params.train.processes > 1 and not rater.supports_processes:
        raise ParamError("train.processes", f"1 with model.type {name}, which trains in one process",
                         str(params.train.processes), "Set it to 1, or model.type to attention.")  # fmt: skip
    if params.train.users_per_batch and not rater.supports_user_batches:
        raise ParamError("train.users_per_batch", f"0 with model.type {name}",
                         str(params.train.users_per_batch),
                         "Set it to 0, or model.type to attention.")  # fmt: skip
    return rater


def _check_entries(params: TrainRaterParams) -> None:
    for name, values in params.raters.items():
        if name not in rater_names():
            raise ParamError(f"raters.{name}", f"one of {', '.join(rater_names())}", name,
                             "Correct it, or add such a rater: see docs/extending.md.")  # fmt: skip
        section = find_rater(name).params
        if section is None:
            raise ParamError(f"raters.{name}", "a rater with params of its own", name, "Remove the entry.")
        validate_section(section, values, PARAMS_FILE, f"raters.{name}")
