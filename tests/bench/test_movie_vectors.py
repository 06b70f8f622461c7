"""The rater's errors with each set of movie vectors."""

from __future__ import annotations

import numpy as np

from bench.movie_vectors import SEEDS, format_row, squared_errors
from reelgraph.evaluation.intervals import Clusters
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params


def test_squared_errors_depend_on_the_vectors_and_the_seed() -> None:
    histories = random_histories(3, 30, MOVIES, 60)
    params = small_rater_params("gp")
    none, random = (
        squared_errors(name, params, histories, small_movie_inputs()) for name in ("none", "random")
    )
    assert none.shape == random.shape == (len(SEEDS), len(histories.val))
    assert (none < 4.5**2).all()
    assert (none != random).any(axis=1).all()
    assert (none[0] != none[1]).any()


def test_a_row_has_mean_and_deviation_over_the_seeds_and_the_difference_to_each_reference() -> None:
    user = np.arange(200) % 40
    clusters = Clusters(user, np.arange(200) % 50)
    errors = np.full((3, 200), [[0.81], [1.0], [1.21]])  # RMSE 0.9, 1 and 1.1
    better = np.full((3, 200), 0.64)
    row = format_row("text", errors, [errors, better], clusters, 1)
    expected = np.sqrt(errors.mean()) - 0.8
    assert row.split() == [
        *("text", "1.0000", "±", "0.1000"),
        *("+0.0000", "to", "+0.0000"),
        *(f"{expected:+.4f}", "to", f"{expected:+.4f}"),
    ]
