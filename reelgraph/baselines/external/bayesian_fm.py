"""External baseline: myfm's Bayesian factorization machine, fitted by Gibbs sampling.

Its features are the user history, the movie history and the day: "timeSVD++ flipped" of Rendle, Zhang and
Koren 2019.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stderr
from functools import partial
from io import StringIO
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.baselines.external.fm_features import FeatureBuilder, FeatureRows
from reelgraph.baselines.registry import import_optional
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories, star_ratings


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
    stars = star_ratings(histories, features.fitted)
    total = np.zeros(len(index))
    target_blocks = relation_blocks(targets)

    def add_prediction(machine: Any) -> None:
        total[:] += machine.predict_score(targets.days, target_blocks)

    sample_posterior("MyFMRegressor", features, rows, stars, params, add_prediction)
    return (total / params.samples).clip(MIN_STARS, MAX_STARS)


predict = partial(predict_with_fm, history=True)


def sample_posterior(
    machine_type: str,
    features: FeatureBuilder,
    rows: FeatureRows,
    target: Float[np.ndarray, " rows"] | Int64[np.ndarray, " rows"],
    params: Params,
    use_sample: Callable[[Any], None],
) -> None:
    """Fit one of myfm's machines, and give each posterior sample after the burn-in to ``use_sample``.

    Args:
        machine_type: name of the class in myfm.
        features: sizes of the groups of features.
        rows: features of the fitted ratings.
        target: what the machine predicts, of each fitted rating.
        params: of the sampler.
        use_sample: reads the machine with the sample; not called again after ``params.samples`` samples.
    """

    def use_iteration(iteration: int, machine: Any, *_: object) -> tuple[bool, None]:
        if iteration >= params.burn_in:
            use_sample(machine)
        return False, None

    machine = getattr(import_optional("myfm"), machine_type)(params.rank, random_seed=params.seed)
    # myfm shows its progress in logs too.
    with nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO()):
        machine.fit(
            rows.days, target, relation_blocks(rows), group_shapes=features.group_sizes(),
            callback=use_iteration, n_iter=params.burn_in + params.samples, n_kept_samples=1,
        )  # fmt: skip


def relation_blocks(rows: FeatureRows) -> list[Any]:
    """Return the features that rows share: myfm reads them once a user and once a movie."""
    block = import_optional("myfm").RelationBlock
    return [
        block(rows.user.tolist(), rows.users),
        block(rows.movie.tolist(), rows.movies),
    ]
