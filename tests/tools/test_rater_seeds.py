from __future__ import annotations

from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params
from tools.rater_seeds import seed_errors


def test_seed_errors_depend_on_the_seed_alone() -> None:
    params = small_rater_params("attention")
    histories = random_histories(5, 30, MOVIES, 40)
    movies = small_movie_inputs()
    first, repeated, other = (seed_errors(params, histories, movies, seed) for seed in (1, 1, 2))
    assert first == repeated
    assert first != other
