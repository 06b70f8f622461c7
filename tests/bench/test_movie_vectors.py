"""The rater's errors with each set of movie vectors."""

from __future__ import annotations

from bench.movie_vectors import squared_errors
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params


def test_squared_errors_depend_on_the_vectors() -> None:
    histories = random_histories(3, 30, MOVIES, 60)
    params = small_rater_params("gp")
    none, random = (
        squared_errors(name, params, histories, small_movie_inputs()) for name in ("none", "random")
    )
    assert none.shape == random.shape == histories.val.shape
    assert (none < 4.5**2).all()
    assert (none != random).any()
