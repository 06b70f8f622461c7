"""External baseline: myfm's Bayesian factorization machine with an ordered probit likelihood.

It has the features of ``bayesian_fm``, and predicts a probability for each half star.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.external.bayesian_fm import Params, relation_blocks, sample_posterior
from reelgraph.baselines.external.fm_features import FeatureBuilder
from reelgraph.core.rating_scale import N_CODES, mean_stars
from reelgraph.sequences.dataset import UserHistories

__all__ = ["Params", "predict", "predict_probabilities"]


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars: the means of their probabilities."""
    return mean_stars(predict_probabilities(histories, fit_end, index, params))


def predict_probabilities(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, "n 10"]:
    """Return the mean probabilities of the half stars over posterior samples.

    Args:
        histories: ratings of all users.
        fit_end: the machine is fitted on each user's rows before it.
        index: the targets.
        params: of the sampler.
    """
    features = FeatureBuilder(histories, fit_end, history=True)
    rows = features.training_rows()
    targets = features.target_rows(index)
    codes = histories.half_star_code[features.fitted].astype(np.int64)
    # The machine has one cutpoint fewer than there are levels, so each level must occur.
    levels, level = np.unique(codes, return_inverse=True)
    total = np.zeros((len(index), len(levels)))
    target_blocks = relation_blocks(targets)

    def add_prediction(machine: Any) -> None:
        total[:] += machine.oprobit_predict_proba(targets.days, target_blocks, 0)

    sample_posterior("MyFMOrderedProbit", features, rows, level, params, add_prediction)
    probabilities = np.zeros((len(index), N_CODES))
    probabilities[:, levels - 1] = total / total.sum(axis=1, keepdims=True)
    return probabilities
