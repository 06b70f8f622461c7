"""External baseline: Bayesian factorization machine with the user, the movie and the day as its features."""

from __future__ import annotations

from functools import partial

from reelgraph.baselines.external.bayesian_fm import Params, predict_with_fm

__all__ = ["Params", "predict"]

predict = partial(predict_with_fm, history=False)
