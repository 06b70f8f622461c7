"""External baseline: Surprise's SVD++ (Koren 2008)."""

from __future__ import annotations

from functools import partial

from reelgraph.baselines.external.surprise_adapter import SurpriseParams, predict_with_surprise

Params = SurpriseParams
predict = partial(predict_with_surprise, "SVDpp", cache_ratings=True)
