"""A small Gaussian process on random histories."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.core.cooccurrence import cooccurrence_vectors
from reelgraph.raters.gp.leave_one_out_stats import fit_movie_stats, leave_one_out_stats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent, build_movie_content
from reelgraph.raters.gp.movie_factors import fit_latent_factors
from reelgraph.raters.gp.prediction import rating_features
from reelgraph.raters.gp.rating_table import RatingTable, fitted_ratings
from reelgraph.raters.gp.types import RatingFeatures
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs


@pytest.fixture
def user_histories() -> UserHistories:
    return random_histories(4, 25, MOVIES, 40)


@pytest.fixture
def ratings(user_histories: UserHistories) -> RatingTable:
    return fitted_ratings(user_histories, user_histories.fit_end("train"))


@pytest.fixture
def content() -> MovieContent:
    inputs = small_movie_inputs()
    return build_movie_content(inputs.graph, inputs.year, (inputs.text, inputs.vectors))


@pytest.fixture
def gp(content: MovieContent, ratings: RatingTable) -> GaussianProcess:
    torch.manual_seed(0)
    vectors = cooccurrence_vectors(ratings.user, ratings.movie, (ratings.n_users, MOVIES), 4)
    cooccurrence = torch.from_numpy(np.stack([vectors, vectors / 2]).astype(np.float32))
    return GaussianProcess(
        content, cooccurrence, fit_latent_factors(ratings, content.design_matrix(), 2, 0), 3
    ).eval()


@pytest.fixture
def features(gp: GaussianProcess, content: MovieContent, ratings: RatingTable) -> RatingFeatures:
    stats = fit_movie_stats(ratings, content, 0)
    by_rating = leave_one_out_stats(stats, ratings, np.zeros(len(ratings.movie), bool))
    return rating_features(ratings, by_rating, stats.global_mean, content, gp.n_folds)
