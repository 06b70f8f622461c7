"""The ordinal head and its features."""

from __future__ import annotations

import torch

from reelgraph.raters.gp.ordinal_head import (
    N_HEAD_FEATURES,
    HeadFeatures,
    HistoryFeatures,
    MovieFeatures,
    OrdinalHead,
    expected_stars,
)


def test_ordinal_head_without_training_is_the_gaussian_process() -> None:
    head = OrdinalHead(N_HEAD_FEATURES, 8, 0.1).eval()
    mean = torch.tensor([2.0, 3.5])
    std = torch.tensor([0.4, 0.5])
    probabilities = head(torch.randn(2, N_HEAD_FEATURES), mean, std).exp()
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(expected_stars(probabilities), mean, atol=2e-3, rtol=0)


def test_head_features_matrix_repeats_the_history_for_all_movies() -> None:
    columns = torch.arange(3.0)
    history = HistoryFeatures(
        log_rank=torch.tensor([10.0]),
        log_seconds_since_previous=torch.tensor([11.0]),
        star_fractions=torch.arange(12.0, 17.0).unsqueeze(0),
        mean_log_count=torch.tensor([17.0]),
        half_star_fraction=torch.tensor([18.0]),
        recent_half_star_fraction=torch.tensor([19.0]),
        recent_residuals=torch.arange(20.0, 23.0).unsqueeze(0),
    )
    movie = MovieFeatures(columns, columns + 1, columns + 2, columns + 3, columns == 1)
    matrix = HeadFeatures(movie, history, columns + 4, columns + 5, torch.tensor([23.0])).matrix()
    assert matrix.shape == (3, N_HEAD_FEATURES)
    for row in range(3):
        expected = [*range(row, row + 4), row == 1, *range(10, 23), row + 4, row + 5, 23]
        assert matrix[row].tolist() == expected
