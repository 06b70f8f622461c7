"""External baseline: Surprise's biased matrix factorisation by stochastic gradient descent ("Funk SVD")."""

from __future__ import annotations

from functools import partial

from reelgraph.baselines.external.surprise_adapter import SurpriseParams, predict_with_surprise

Params = SurpriseParams
predict = partial(predict_with_surprise, "SVD")
