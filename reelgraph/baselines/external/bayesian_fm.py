"""Bayesian factorisation machine by Gibbs sampling, from the package myfm."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.external.fm_features import FeatureBuilder, FeatureRows
from reelgraph.baselines.registry import import_optional
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, codes_to_stars
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories


class FactorizationMachineParams(Section):
    """Numbers of a machine."""

    rank: int = Field(ge=1, le=1024)
    """Dimensions of a feature, 1 to 1024."""

    burn_in: int = Field(ge=0)
    """Draws of the posterior before the first that counts, 0 or more."""

    samples: int = Field(ge=1)
    """Draws whose predictions are averaged, 1 or more."""

    seed: Seed
    """Seed of the draws."""


def predict_with_fm(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: FactorizationMachineParams,
    history: bool,
) -> Float[np.ndarray, " n"]:
    """Return the mean of the draws' predictions at ``index``, in stars.

    Predictions are summed while sampling: a draw needs as much memory as the model, so none is kept.
    """
    features = FeatureBuilder(histories, fit_end, history)
    rows, targets = features.training_rows(), features.target_rows(index)
    stars = codes_to_stars(histories.half_star_code[features.fitted].astype(np.float64))
    total, blocks = np.zeros(len(index)), _blocks(targets)

    def add(draw: int, machine: Any, *_: object) -> tuple[bool, None]:
        if draw >= params.burn_in:
            total[:] += machine.predict_score(targets.days, blocks)
        return False, None

    machine = import_optional("myfm").MyFMRegressor(params.rank, random_seed=params.seed)
    # myfm shows its progress wherever it runs, logs too.
    with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):
        machine.fit(
            rows.days, stars, _blocks(rows), group_shapes=features.group_sizes(), callback=add,
            n_iter=params.burn_in + params.samples, n_kept_samples=1,
        )  # fmt: skip
    return (total / params.samples).clip(MIN_STARS, MAX_STARS)


def _blocks(rows: FeatureRows) -> list[Any]:
    """Return the features that rows share, which myfm reads once a user and once a movie."""
    block = import_optional("myfm").RelationBlock
    return [
        block(rows.user.tolist(), rows.users),
        block(rows.movie.tolist(), rows.movies),
    ]


Params = FactorizationMachineParams


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    return predict_with_fm(histories, fit_end, index, params, history=True)
