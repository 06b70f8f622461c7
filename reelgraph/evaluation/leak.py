"""On generated data nobody can know more than the best prediction: a better rater has seen the answers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.evaluation.intervals import paired_rmse
from reelgraph.runtime.errors import TrainingError


def refuse_below_bound(
    user: Int64[np.ndarray, "targets"],
    actual: Float[np.ndarray, "targets"],
    predicted: Float[np.ndarray, "targets"],
    best: Float[np.ndarray, "targets"],
    seed: int,
) -> None:
    """Refuse predictions that beat the best possible ones by more than chance.

    Args:
        user: user of each test target.
        actual: stars given.
        predicted: the rater's prediction.
        best: expectation given the person's whole history and the true movies.
        seed: of the bootstrap.

    Raises:
        TrainingError: the paired 95 % interval of the difference in RMSE lies below zero.
    """
    interval = paired_rmse(user, np.square(predicted - actual), np.square(best - actual), seed)
    if interval.high < 0:
        raise TrainingError(
            "metrics/rater.json: test.rmse",
            "no less than bound.rmse, within chance",
            f"less by {-interval.high:.4f} to {-interval.low:.4f} stars",
            "The rater sees what it should predict: look for targets in its inputs.",
        )
