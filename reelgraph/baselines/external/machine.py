"""Bayesian factorisation machine by Gibbs sampling, from the package myfm."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.external.machine_rows import Features, Rows
from reelgraph.baselines.external.needed import needed
from reelgraph.core.rating_scale import HIGHEST, LOWEST, from_codes
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.arrays import Histories


class Machine(Section):
    """Numbers of a machine."""

    rank: int = Field(ge=1, le=1024)
    """Dimensions of a feature, 1 to 1024."""

    burn_in: int = Field(ge=0)
    """Draws of the posterior before the first that counts, 0 or more."""

    draws: int = Field(ge=1)
    """Draws whose predictions are averaged, 1 or more."""

    seed: Seed
    """Seed of the draws."""


def predict_by_machine(
    histories: Histories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Machine,
    history: bool,
) -> Float[np.ndarray, " n"]:
    """Return the mean of the draws' predictions at ``index``, in stars.

    Predictions are summed while sampling: a draw needs as much memory as the model, so none is kept.
    """
    features = Features(histories, fit_end, history)
    rows, targets = features.fit_rows(), features.target_rows(index)
    stars = from_codes(histories.code[features.fitted].astype(np.float64))
    total, blocks = np.zeros(len(index)), _blocks(targets)

    def add(draw: int, machine: Any, *_: object) -> tuple[bool, None]:
        if draw >= params.burn_in:
            total[:] += machine.predict_score(targets.days, blocks)
        return False, None

    machine = needed("myfm").MyFMRegressor(params.rank, random_seed=params.seed)
    # myfm shows its progress wherever it runs, logs too.
    with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):
        machine.fit(
            rows.days, stars, _blocks(rows), group_shapes=features.groups(), callback=add,
            n_iter=params.burn_in + params.draws, n_kept_samples=1,
        )  # fmt: skip
    return (total / params.draws).clip(LOWEST, HIGHEST)


def _blocks(rows: Rows) -> list[Any]:
    """Return the features that rows share, which myfm reads once a user and once a movie."""
    block = needed("myfm").RelationBlock
    return [
        block(rows.user.tolist(), rows.users),
        block(rows.movie.tolist(), rows.movies),
    ]
