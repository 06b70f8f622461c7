"""Movies that nobody has rated, in a rater that was fitted on other movies of known quality."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.raters.gp.fitting import fit
from reelgraph.raters.gp.movie_content import MovieContent, build_movie_content
from reelgraph.raters.gp.prediction import OneStepPredictor
from reelgraph.raters.gp.process_fitting import fit_process
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.gp.rating_table import all_ratings
from reelgraph.sequences.dataset import UserHistories, star_ratings
from tests.helpers.rater_samples import small_rater_params

N_USERS = 100
N_MOVIES = 300
N_HELD_OUT = 60
GENRE_EFFECT = np.array([-0.5, 0.5])
POPULAR_EFFECT = 0.8
"""By how many stars movies that are rated often are better than those that are rated rarely."""
NO_ROWS = np.zeros(0, np.int64)


@pytest.fixture(scope="module")
def genre() -> np.ndarray:
    return np.arange(N_MOVIES) // 2 % 2


@pytest.fixture(scope="module")
def histories(genre: np.ndarray) -> UserHistories:
    """Every second movie is popular; the first movies, popular and others, are held out with all ratings."""
    rng = np.random.default_rng(0)
    is_popular = np.arange(N_MOVIES) % 2 == 0
    quality = GENRE_EFFECT[genre] + POPULAR_EFFECT * is_popular + rng.normal(0, 0.3, N_MOVIES)
    is_rated = rng.random((N_USERS, N_MOVIES)) < np.where(is_popular, 0.25, 0.03)
    user, movie = np.nonzero(is_rated)
    is_test = movie < N_HELD_OUT
    order = np.lexsort((rng.random(len(user)), is_test, user))
    user, movie, is_test = user[order], movie[order], is_test[order]
    stars = 2.8 + rng.normal(0, 0.3, N_USERS)[user] + quality[movie] + rng.normal(0, 0.5, len(user))
    offsets = np.append(0, np.cumsum(np.bincount(user, minlength=N_USERS)))
    train_end = offsets[:-1] + np.bincount(user, ~is_test, N_USERS).astype(np.int64)
    return UserHistories(
        user_id=np.arange(N_USERS),
        offsets=offsets,
        movie_row=movie.astype(np.int32),
        half_star_code=np.rint(stars * 2).clip(1, 10).astype(np.uint8),
        timestamp=np.arange(len(user)) * 60,
        train_end=train_end,
        val_end=train_end,
        history_cap=train_end,
        train=NO_ROWS,
        val=NO_ROWS,
        test=np.flatnonzero(is_test),
    )


@pytest.fixture(scope="module")
def content(genre: np.ndarray) -> MovieContent:
    relation = Relation(("Crime", "Drama"), np.ones((2, 3), np.float32), np.arange(N_MOVIES), genre)
    graph = KnowledgeGraph(np.arange(N_MOVIES), {"genre": relation})
    vectors = np.random.default_rng(1).normal(size=(N_MOVIES, 8)).astype(np.float32)
    return build_movie_content(graph, np.full(N_MOVIES, 2000.0), (vectors,))


@pytest.fixture(scope="module")
def rater(histories: UserHistories, content: MovieContent) -> GpRater:
    params = small_rater_params("gp")
    gp = params.gp.model_copy(update={"epochs": 8, "head_epochs": 5, "batch_size": 8})
    return fit(
        histories, histories.fit_end("train"), content, params.model_copy(update={"gp": gp, "seed": 0})
    )


def test_predict_is_unbiased_on_unrated_movies(rater: GpRater, histories: UserHistories) -> None:
    predicted = rater.predict(histories, histories.fit_end("train"), histories.test).stars
    error = predicted - star_ratings(histories, histories.test)
    assert abs(error.mean()) < 0.1


def test_history_features_of_ratings_of_a_held_out_movie_hold_their_rank_by_time(
    rater: GpRater, histories: UserHistories
) -> None:
    timestamp = np.array(histories.timestamp)
    timestamp[histories.test] = timestamp[histories.offsets[histories.users_of(histories.test)]] + 150
    earlier = replace(histories, timestamp=timestamp)  # the targets come after three ratings
    ratings = all_ratings(earlier, earlier.fit_end("train"))
    predictor = OneStepPredictor(rater.gp, rater.stats, ratings, rater.content)
    assert (ratings.history_length(histories.test) > 3).all()
    log_rank = predictor.history_features(histories.test).log_rank
    np.testing.assert_allclose(log_rank, np.log1p(2.5))


def test_predict_ranks_unrated_movies_by_their_content(
    rater: GpRater, histories: UserHistories, genre: np.ndarray
) -> None:
    predicted = rater.predict(histories, histories.fit_end("train"), histories.test).stars
    target_genre = genre[histories.movie_row[histories.test]]
    difference = predicted[target_genre == 1].mean() - predicted[target_genre == 0].mean()
    assert difference > 0.5 * (GENRE_EFFECT[1] - GENRE_EFFECT[0])


def test_catalogue_scorer_predicts_unrated_movies_with_a_larger_variance(
    rater: GpRater, histories: UserHistories
) -> None:
    predictor = OneStepPredictor(
        rater.gp, rater.stats, all_ratings(histories, histories.fit_end("train")), rater.content
    )
    window = np.append(np.arange(10), histories.test[0])
    std = rater.catalogue_scorer.predict_candidates(predictor, window, None).std
    is_unrated = torch.from_numpy(rater.stats.count == 0)
    assert is_unrated.sum() >= N_HELD_OUT
    assert std[is_unrated].min() > std[~is_unrated].median()


def test_fit_process_reads_no_rating_of_held_out_movies(
    rater: GpRater, histories: UserHistories, content: MovieContent
) -> None:
    order = np.arange(len(histories.movie_row))
    order[histories.test] = np.random.default_rng(2).permutation(histories.test)
    other = replace(
        histories, movie_row=histories.movie_row[order], half_star_code=histories.half_star_code[order]
    )
    one_epoch = rater.params.model_copy(update={"epochs": 1})
    process = fit_process(other, other.fit_end("train"), content, one_epoch, 0)
    is_held_out = np.arange(N_MOVIES) < N_HELD_OUT
    assert process.gp.cooccurrence[1, torch.from_numpy(is_held_out)].any()
    assert torch.equal(process.gp.cooccurrence, rater.gp.cooccurrence)
    assert torch.equal(process.gp.latent_factors, rater.gp.latent_factors)
    np.testing.assert_array_equal(process.stats.prior_effect, rater.stats.prior_effect)
