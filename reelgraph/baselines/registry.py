"""Finds a baseline by its name, and fits it on the training rows, then on training and validation rows.

A baseline is a module of ``reelgraph.baselines`` or ``reelgraph.baselines.external``, named by its entry in
the params file. It has ``Params``, the ``Section`` that it reads, and ``predict(histories, fit_end, index,
params)``; see ``Predict``. If it sets ``READS_CONTENT``, its ``predict`` gets the movies' ``content``, too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int64
from threadpoolctl import threadpool_limits

from reelgraph.params.base import PARAMS_FILE, validate_section
from reelgraph.runtime.errors import PackageError, ParamError
from reelgraph.sequences.dataset import FITS, Fit, UserHistories

if TYPE_CHECKING:
    from reelgraph.baselines.content import MovieContent

PACKAGES = {"baselines": "reelgraph.baselines", "external_baselines": "reelgraph.baselines.external"}
"""Sections of the params files, and the packages with their baselines, one module each."""

PREDICT_PROBABILITIES = "predict_probabilities"
"""Name of the function of a module that predicts the probabilities of the ten half stars."""

Predict = Callable[
    [UserHistories, Int64[np.ndarray, " users"], Int64[np.ndarray, " n"]], Float[np.ndarray, "n *codes"]
]
"""Fits on each user's rows before ``fit_end`` and predicts the ratings at ``index``, in stars.

A prediction may read the fitted rows and the history of its target, and no other rating. Where the function
is ``predict_probabilities``, it returns a row of ten probabilities per rating.
"""


def predicts_probabilities(name: str) -> bool:
    """Return whether an external baseline predicts probabilities of the half stars, besides stars."""
    package = f"{PACKAGES['external_baselines']}.{name}"
    return find_spec(package) is not None and hasattr(import_module(package), PREDICT_PROBABILITIES)


def load_baseline(
    name: str,
    params: Mapping[str, object],
    path: str = PARAMS_FILE,
    content: MovieContent | None = None,
    function: str = "predict",
) -> Predict:
    """Return the ``predict`` function of a baseline, bound to its params.

    Args:
        name: the baseline's module.
        params: its entry in the params file.
        path: the params file.
        content: of the movies, for baselines that read it; None: that of the pipeline's data folder.
        function: ``predict``, or ``predict_probabilities`` where ``predicts_probabilities`` says so.

    Raises:
        ArtifactError: the content is missing or damaged.
        ParamError: no baseline has this name, ``params`` are not those that its ``Params`` takes, or a
            baseline of params.yaml reads the content.
    """
    for section, package in PACKAGES.items() if name.isidentifier() else ():
        if find_spec(f"{package}.{name}") is None:
            continue
        module = import_module(f"{package}.{name}")
        if hasattr(module, "predict"):
            arguments: dict[str, object] = {
                "params": validate_section(module.Params, params, path, f"{section}.{name}")
            }
            if getattr(module, "READS_CONTENT", False):
                if content is None and path == PARAMS_FILE:  # stage baselines does not depend on the content
                    remedy = "Move the entry to studies/external_baselines/params.yaml."
                    raise ParamError(f"{path}: baselines.{name}", "a baseline that reads ratings alone",
                                     "one that reads the movies' content", remedy)  # fmt: skip
                arguments["content"] = _read_content() if content is None else content
            return partial(getattr(module, function), **arguments)
    section = "baselines" if path == PARAMS_FILE else "external_baselines"
    expected = "a module of reelgraph/baselines/ with Params and predict"
    remedy = "Remove the entry, or write the module."
    raise ParamError(f"{path}: {section}.{name}", expected, "none", remedy)


def _read_content() -> MovieContent:
    # Imported here, as few baselines read the content.
    from reelgraph.baselines.content import read_movie_content

    return read_movie_content()


def fit_and_predict(
    predict: Predict, histories: UserHistories, timer: Callable[[Fit], AbstractContextManager[None]]
) -> dict[str, Float[np.ndarray, "_ *codes"]]:
    """Return the predictions of the validation and test targets, in stars or as probabilities.

    One thread computes, because the order of sums depends on the number of threads.

    Args:
        predict: the baseline.
        histories: ratings and targets.
        timer: measures the time of one fit.

    Returns:
        ``val``: validation targets, fitted on training rows; ``train`` and ``train_val``: test targets, by
        the rows that the baseline was fitted on.
    """
    predictions = {}
    n_val = len(histories.val)
    with threadpool_limits(1):
        for rows in FITS:
            targets = np.concatenate([histories.val, histories.test]) if rows == "train" else histories.test
            with timer(rows):
                stars = predict(histories, histories.fit_end(rows), targets)
            if rows == "train":
                predictions["val"] = stars[:n_val]
                stars = stars[n_val:]
            predictions[rows] = stars
    return predictions


def import_optional(package: str) -> ModuleType:
    """Import a package of the extra ``external-baselines``.

    Raises:
        PackageError: the package is not installed.
    """
    try:
        with warnings.catch_warnings():  # myfm 0.4 reads its own version by the deprecated pkg_resources
            warnings.simplefilter("ignore")
            return import_module(package)
    except ImportError as error:
        remedy = "Install the external baselines: pip install -r requirements-external-baselines.lock"
        raise PackageError(package, "the package", str(error), remedy) from error
