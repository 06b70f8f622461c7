"""The Bayesian factorisation on ratings whose making is known, and who may be predicted with what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from reelgraph.raters.gp.bayesian_mf import fit_bayesian_mf
from reelgraph.raters.gp.movie_content import build_movie_content
from reelgraph.raters.gp.movie_factors import assign_folds, fit_latent_factors
from reelgraph.raters.gp.rating_table import all_ratings, fitted_ratings
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs

PEOPLE, FILMS = 300, 120


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, ...]:
    """Ratings by two tastes, which follow from three genres for two movies of three."""
    draw = np.random.default_rng(1)
    genre = np.eye(3)[np.arange(FILMS) % 3]
    vectors = genre @ draw.normal(0, 1, (3, 2)) + draw.normal(0, 0.3, (FILMS, 2))
    liked = draw.normal(0, 1, (PEOPLE, 2))
    person, movie = np.nonzero(draw.random((PEOPLE, FILMS - 3)) < 0.3)
    stars = 3.5 + (liked[person] * vectors[movie]).sum(axis=1) + draw.normal(0, 0.5, len(person))
    return person, movie, stars, sp.csr_matrix(genre), vectors


def test_movies_are_alike_as_they_were_made(made) -> None:
    *given, vectors = made
    found, variance = fit_bayesian_mf(*given, 2, 0)
    rated = slice(0, FILMS - 3)
    alike, truly = found[rated] @ found[rated].T, vectors[rated] @ vectors[rated].T
    assert np.corrcoef(alike.ravel(), truly.ravel())[0, 1] > 0.98
    assert np.abs(alike - truly).mean() < 0.2 * np.abs(truly).mean()
    assert 0 < variance[rated].max() < 0.1


def test_a_movie_without_ratings_is_what_the_catalogue_says(made) -> None:
    *given, vectors = made
    found, variance = fit_bayesian_mf(*given, 2, 0)
    unrated = slice(FILMS - 3, FILMS)
    others = found[: FILMS - 3] @ found[unrated].T
    assert np.corrcoef(others.ravel(), (vectors[: FILMS - 3] @ vectors[unrated].T).ravel())[0, 1] > 0.9
    assert variance[unrated].min() > 2 * variance[: FILMS - 3].max()


def test_factors_that_nobody_needs_are_switched_off(made) -> None:
    person, movie, stars, catalogue, _ = made
    flat = 3.5 + np.random.default_rng(2).normal(0, 0.5, len(stars))
    two, six = (fit_bayesian_mf(person, movie, values, catalogue, 6, 0)[0] for values in (stars, flat))
    assert (six**2).sum(axis=1).mean() < 0.05 * (two**2).sum(axis=1).mean()


def test_without_ratings_nothing_is_known(made) -> None:
    none = np.zeros(0, np.int64)
    vectors, variance = fit_bayesian_mf(none, none, np.zeros(0), made[3], 2, 0)
    assert not vectors.any()
    assert not variance.any()


def test_equal_ratings_are_no_taste(made) -> None:
    person, movie, stars, catalogue, _ = made
    vectors, variance = fit_bayesian_mf(person, movie, np.full(len(stars), 4.0), catalogue, 2, 0)
    assert np.isfinite(vectors).all()
    assert np.abs(vectors).max() < 0.01
    assert variance.max() < 0.01


@pytest.fixture
def people() -> UserHistories:
    return random_histories(5, 25, MOVIES, 40)


def test_a_persons_ratings_have_no_part_in_the_vectors_that_they_are_predicted_with(
    people: UserHistories,
) -> None:
    known = small_movie_inputs()
    content = build_movie_content(known.graph, known.year, (known.text, known.vectors))
    rows = fitted_ratings(people, people.fit_end("train"))
    before = fit_latent_factors(rows, content, 2, 0)
    user = 3
    changed = np.where(rows.user == user, 5.5 - rows.stars, rows.stars)
    after = fit_latent_factors(replace(rows, stars=changed), content, 2, 0)
    own = assign_folds(rows, len(before.vectors))[rows.user == user]
    assert len(set(own)) == 1
    same = [bool((a == b).all()) for a, b in zip(before.vectors, after.vectors, strict=True)]
    assert [table for table, kept in enumerate(same) if kept] == [own[0]]


def test_who_was_not_fitted_on_is_predicted_with_everybodys(people: UserHistories) -> None:
    end = people.fit_end("train")
    end[4] = people.offsets[4]
    rows = all_ratings(people, end)
    table = assign_folds(rows, 4)
    for user, person in enumerate(people.user_id):
        assert set(table[rows.user == user]) == {3 if user == 4 else person % 3}
