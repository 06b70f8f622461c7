"""What a baseline says of all targets, by either fit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from jaxtyping import Float
from threadpoolctl import threadpool_limits

from reelgraph.baselines.loading import Predict
from reelgraph.sequences.arrays import FITS, Fit, Histories


def predictions(
    predict: Predict, histories: Histories, timed: Callable[[Fit], AbstractContextManager[None]]
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
