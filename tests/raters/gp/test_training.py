"""Training of the Gaussian process and of the heads."""

from __future__ import annotations

import pytest
import torch

from reelgraph.raters.gp.likelihood import Likelihood
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.rating_table import RatingTable, tile_windows
from reelgraph.raters.gp.training import choose_n_epochs, train_gaussian_process
from reelgraph.raters.gp.types import RatingFeatures
from tests.helpers.rater_samples import small_rater_params


@pytest.mark.parametrize(
    ("n_batches", "n_ratings", "n_epochs"),
    [
        (20, 1_000, 10),  # params.epochs
        (70, 1_000, 4),  # 280 steps
        (71, 1_000, 4),
        (10_000, 1_000, 2),  # two at least
        (10_000, 60_000, 1),  # params.max_ratings
        (10_000, 200_000, 1),  # a subset of the ratings
    ],
)
def test_choose_n_epochs_follows_the_data(n_batches: int, n_ratings: int, n_epochs: int) -> None:
    params = small_rater_params("gp").gp.model_copy(update={"epochs": 10, "max_ratings": 100_000})
    assert choose_n_epochs(n_batches, n_ratings, params) == n_epochs


def test_train_gaussian_process_reads_at_most_about_max_ratings(
    gp: GaussianProcess, ratings: RatingTable, features: RatingFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows, _ = tile_windows(ratings.offsets, 8, 8)
    negative_log_likelihood = gp.negative_log_likelihood
    counts = []

    def count_ratings(features: RatingFeatures, windows: torch.Tensor) -> Likelihood:
        counts.append(int((windows >= 0).sum()))
        return negative_log_likelihood(features, windows)

    monkeypatch.setattr(gp, "negative_log_likelihood", count_ratings)
    params = small_rater_params("gp").gp.model_copy(update={"max_ratings": 100, "batch_size": 4})
    train_gaussian_process(gp, features, windows, params, 1, lambda *_: None)
    assert 50 <= sum(counts) <= 150 < len(ratings.movie)
