"""Training of the Gaussian process and of the heads."""

from __future__ import annotations

import pytest
import torch

from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.rating_table import RatingTable, tile_windows
from reelgraph.raters.gp.training import train_gaussian_process
from reelgraph.raters.gp.types import OneStepPredictions, RatingFeatures
from tests.helpers.rater_samples import small_rater_params


def test_train_gaussian_process_reads_at_most_about_max_ratings(
    gp: GaussianProcess, ratings: RatingTable, features: RatingFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows, _ = tile_windows(ratings.offsets, 8, 8)
    predict_one_step = gp.predict_one_step
    counts = []

    def count_ratings(features: RatingFeatures, windows: torch.Tensor) -> OneStepPredictions:
        counts.append(int((windows >= 0).sum()))
        return predict_one_step(features, windows)

    monkeypatch.setattr(gp, "predict_one_step", count_ratings)
    params = small_rater_params("gp").gp.model_copy(update={"max_ratings": 100, "batch_size": 4})
    train_gaussian_process(gp, features, windows, params, 1, lambda *_: None)
    assert 50 <= sum(counts) <= 150 < len(ratings.movie)
