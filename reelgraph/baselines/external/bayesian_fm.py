"""External baseline: myfm's Bayesian factorization machine, fitted by Gibbs sampling.

Its features are the user history, the movie history and the day: "timeSVD++ flipped" of Rendle, Zhang and
Koren 2019.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.baselines.external.fm_features import FeatureBuilder, FeatureRows
from reelgraph.baselines.registry import import_optional
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, codes_to_stars
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories


class Params(Section):
    """Parameters of a Bayesian factorization machine."""

    rank: int = Field(ge=1, le=1024)
    """Dimensions of a feature's factors, 1 to 1024."""

    burn_in: int = Field(ge=0)
    """Posterior samples that are discarded first, 0 or more."""

    samples: int = Field(ge=1)
    """Posterior samples whose predictions are averaged, 1 or more."""

    seed: Seed
    """Seed of the sampler."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    return predict_with_fm(histories, fit_end, index, params, history=True)


def predict_with_fm(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
    history: bool,
    content: Sequence[csr_matrix] = (),
) -> Float[np.ndarray, " n"]:
    """Return the mean prediction of the posterior samples at ``index``, in stars.

    Predictions are summed while sampling, because a sample needs as much memory as the model.

    Args:
        histories: ratings of all users.
        fit_end: the machine is fitted on each user's rows before it.
        index: the targets.
        params: of the sampler.
        history: use what a user rated and who rated a movie as features.
        content: groups of features of all movies; see ``FeatureBuilder``.
    """
    features = FeatureBuilder(histories, fit_end, history, content)
    rows = features.training_rows()
    targets = features.target_rows(index)
    stars = codes_to_stars(histories.half_star_code[features.fitted].astype(np.float64))
    total = np.zeros(len(index))
    target_blocks = relation_blocks(targets)

    def add_prediction(iteration: int, machine: Any, *_: object) -> tuple[bool, None]:
        if iteration >= params.burn_in:
            total[:] += machine.predict_score(targets.days, target_blocks)
        return False, None

    machine = import_optional("myfm").MyFMRegressor(params.rank, random_seed=params.seed)
    # myfm shows its progress in logs too.
    with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):
        machine.fit(
            rows.days, stars, relation_blocks(rows), group_shapes=features.group_sizes(),
            callback=add_prediction, n_iter=params.burn_in + params.samples, n_kept_samples=1,
        )  # fmt: skip
    return (total / params.samples).clip(MIN_STARS, MAX_STARS)


def relation_blocks(rows: FeatureRows) -> list[Any]:
    """Return the features that rows share: myfm reads them once a user and once a movie."""
    block = import_optional("myfm").RelationBlock
    return [
        block(rows.user.tolist(), rows.users),
        block(rows.movie.tolist(), rows.movies),
    ]
