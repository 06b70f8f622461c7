"""A baseline by its name: one file with its numbers, ``Params``, and its ``predict``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.params.base import PARAMS_FILE, checked
from reelgraph.sequences.arrays import Histories

Predict = Callable[[Histories, Int64[np.ndarray, " users"], Int64[np.ndarray, " n"]], Float[np.ndarray, " n"]]
"""Fit on each user's rows before the ends given, predict the ratings at the places given, in stars."""


def load_baseline(package: str, name: str, numbers: Mapping[str, object], path: str = PARAMS_FILE) -> Predict:
    """Return the ``predict`` of ``package.name`` with its params.

    Args:
        package: ``reelgraph.baselines`` or another; its last part is the section of the params file.
        name: the file.
        numbers: what the params file says of it.
        path: the params file.

    Raises:
        ParamError: the numbers are not those that its ``Params`` takes.
    """
    module = import_module(f"{package}.{name}")
    within = f"{package.split('.')[-1]}.{name}"
    return partial(module.predict, params=checked(module.Params, numbers, path, within))
