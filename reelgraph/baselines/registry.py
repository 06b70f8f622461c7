"""A baseline by its name: one file with its numbers, ``Params``, and its ``predict``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from types import ModuleType

import numpy as np
from jaxtyping import Float, Int64
from threadpoolctl import threadpool_limits

from reelgraph.params.base import PARAMS_FILE, validate_section
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.dataset import FITS, Fit, UserHistories

Predict = Callable[
    [UserHistories, Int64[np.ndarray, " users"], Int64[np.ndarray, " n"]], Float[np.ndarray, " n"]
]
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
    return partial(module.predict, params=validate_section(module.Params, numbers, path, within))


def fit_and_predict(
    predict: Predict, histories: UserHistories, timed: Callable[[Fit], AbstractContextManager[None]]
) -> dict[str, Float[np.ndarray, " targets"]]:
    """Return, in stars, ``val`` (fitted on training rows) and the test targets by each fit's name.

    One thread computes, since sums would else depend on their number.

    Args:
        predict: the baseline.
        histories: ratings and targets.
        timed: measures what runs inside it, by the fit's name.
    """
    found, split = {}, len(histories.val)
    with threadpool_limits(1):
        for rows in FITS:
            targets = np.concatenate([histories.val, histories.test]) if rows == "train" else histories.test
            with timed(rows):
                said = predict(histories, histories.fit_end(rows), targets)
            if rows == "train":
                found["val"], said = said[:split], said[split:]
            found[rows] = said
    return found


def import_optional(package: str) -> ModuleType:
    """Import a package of the extra ``peers``.

    Raises:
        PackageError: it is not installed.
    """
    try:
        with warnings.catch_warnings():  # myfm 0.4 reads its own version by the deprecated pkg_resources
            warnings.simplefilter("ignore")
            return import_module(package)
    except ImportError as error:
        remedy = "Install the peers' packages: pip install -r requirements-external-baselines.lock"
        raise PackageError(package, "the package", str(error), remedy) from error
