"""Ranker: what people of the user's taste watch, predicted from the movies' content alone.

A movie's co-occurrence vector and the logarithm of its number of ratings are predicted from its entities,
release year and text by a ridge regression. A score is a linear function of that number and of the inner
product of the predicted vector with the damped mean vector of the history. No prediction reads the ratings of
the movie itself, so that movies with and without ratings are ranked alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Float32, Int64

from reelgraph.core.cooccurrence import cooccurrence_vectors
from reelgraph.core.schemas.vectors import unit_rows
from reelgraph.core.seeds import generator
from reelgraph.params.base import Section
from reelgraph.rankers.candidates import QueryFeatures, collect_choices
from reelgraph.rankers.held_out import HeldOutQueries, held_out_queries
from reelgraph.rankers.item_weights import inverse_diagonal, penalized_cholesky, positions, solve_cholesky
from reelgraph.rankers.listwise import fit_listwise
from reelgraph.rankers.ranker import (
    ALL,
    FittedRatings,
    MovieContent,
    RankerInputs,
    RankingQuery,
    SelectedRows,
    frequent_movies,
    sample_users,
)

DIM = 64
"""Dimension of the co-occurrence vectors."""
L2 = 10.0
"""Weight of the L2 penalty of the regression, in movies."""
COUNT_DAMPING = 10.0
"""Ratings at which a movie has half of the largest weight in the regression."""
HISTORY_DAMPING = 10.0
"""Movies of an average taste that a history counts with: a short one tells little of the user's taste."""
TEXT_SCALE = 3.0
"""Length of a text vector among the regressors; an entity has length 1."""
YEARS_PER_BIN = 5
FIRST_YEAR = 1910
N_YEAR_BINS = 24


class Params(Section):
    """Parameters of the ranker: none."""


@dataclass(frozen=True)
class ContentFeatures:
    """What the content tells about who watches a movie."""

    vectors: Float32[np.ndarray, "movies dim"]
    """Co-occurrence vectors; those of movies with few ratings are predicted."""
    predicted: Float32[np.ndarray, "movies dim"]
    """Co-occurrence vectors that the content predicts."""
    log_count: Float32[np.ndarray, " movies"]
    """Logarithm of 1 + number of ratings, as the content predicts it."""

    def compute(self, query: RankingQuery, movies: SelectedRows = ALL) -> Float32[np.ndarray, "selected 2"]:
        """Return the damped mean of ⟨vector of h, predicted vector of m⟩ over the history, and log counts."""
        taste = self.vectors[query.history].sum(axis=0) / _damped_length(query)
        return np.column_stack([self.predicted[movies] @ taste, self.log_count[movies]])

    def similarities(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float32[np.ndarray, "selected history"]:
        """Return what each movie of the history adds to the mean."""
        return self.predicted[movies] @ self.vectors[query.history].T / _damped_length(query)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return vectors, in half precision, and predicted log counts."""
        return {
            "vectors": self.vectors.astype(np.float16),
            "predicted": self.predicted.astype(np.float16),
            "log_count": self.log_count,
        }


def _damped_length(query: RankingQuery) -> np.float32:
    return np.float32(len(query.history) + HISTORY_DAMPING)


def restore_features(arrays: Mapping[str, np.ndarray]) -> ContentFeatures:
    """Build the features from their ``arrays``."""
    vectors = arrays["vectors"].astype(np.float32)
    return ContentFeatures(vectors, arrays["predicted"].astype(np.float32), arrays["log_count"])


@dataclass(frozen=True)
class ContentRanker:
    """Orders movies by a linear function of ``ContentFeatures``."""

    features: ContentFeatures
    coefficients: Float[np.ndarray, "2"]

    def score(self, query: RankingQuery, movies: SelectedRows = ALL) -> Float32[np.ndarray, " selected"]:
        """Return the score of each movie: the log-odds that it is watched next, up to a constant."""
        return self.features.compute(query, movies) @ self.coefficients.astype(np.float32)

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return what each movie of the history adds to the scores of movies."""
        return self.coefficients[0] * self.features.similarities(query, movies)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the features, and the coefficients."""
        return self.features.arrays() | {"coefficients": self.coefficients}


def restore(arrays: Mapping[str, np.ndarray]) -> ContentRanker:
    """Build the ranker from its ``arrays``."""
    return ContentRanker(restore_features(arrays), arrays["coefficients"])


def fit(inputs: RankerInputs, params: Params) -> ContentRanker:
    """Fit the coefficients on held-out ratings, then the predictions on all ratings."""
    rng = generator(inputs.seed, "rankers/content")
    held_out = held_out_queries(inputs, rng)
    earlier = fit_features(held_out.ratings, inputs.content)
    coefficients = fit_coefficients(earlier, held_out, rng)
    return ContentRanker(fit_features(inputs.ratings, inputs.content), coefficients)


def fit_coefficients(
    features: ContentFeatures, held_out: HeldOutQueries, rng: np.random.Generator
) -> Float[np.ndarray, "2"]:
    """Return the coefficients that rank the held-out movies best; ``features`` were fitted without them."""

    def compute(query: RankingQuery) -> QueryFeatures:
        computed = features.compute(query)
        return QueryFeatures(computed, computed.__getitem__)

    return fit_listwise(collect_choices(compute, held_out, rng), (0, 1))


def fit_features(ratings: FittedRatings, content: MovieContent) -> ContentFeatures:
    """Predict each movie's co-occurrence vector and log count from its content, without its own ratings."""
    movies = frequent_movies(ratings)
    count = np.bincount(ratings.movie_row, minlength=ratings.n_movies)[movies]
    targets = np.column_stack([_frequent_vectors(ratings, movies), np.log1p(count)]).astype(np.float32)
    weight = count / (count + COUNT_DAMPING)
    predicted = predict_left_out(build_regressors(content), movies, targets, weight)
    vectors = predicted[:, :DIM].copy()
    vectors[movies] = targets[:, :DIM]
    return ContentFeatures(vectors, predicted[:, :DIM], predicted[:, DIM])


def _frequent_vectors(
    ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"]
) -> Float[np.ndarray, "frequent dim"]:
    """Return the co-occurrence vectors of movies, from ratings of these alone by a sample of users."""
    # The seed is fixed: a movie that is appended later must not change the vectors of the others.
    sample = sample_users(ratings, np.random.default_rng(0))
    position = positions(movies, ratings.n_movies)[sample.movie_row]
    users, user = np.unique(sample.user[position >= 0], return_inverse=True)
    return cooccurrence_vectors(user, position[position >= 0], (len(users), len(movies)), DIM)


class Regressors(NamedTuple):
    """What co-occurrence vectors and counts are predicted from."""

    indicators: sp.csr_matrix
    """Movies × (entities that two movies share, and five-year bins)."""
    text: Float32[np.ndarray, "movies text"]
    """Centred unit text vectors, times ``TEXT_SCALE``."""


def build_regressors(content: MovieContent) -> Regressors:
    """Return the regressors of each movie."""
    entities = content.entities
    shared = entities[:, np.asarray(entities.sum(axis=0)).ravel() > 1]
    n_movies = len(content.year)
    known = np.flatnonzero(np.isfinite(content.year))
    year_bin = (content.year[known].astype(np.int64) - FIRST_YEAR) // YEARS_PER_BIN
    ones = np.ones(len(known))
    years = sp.csr_matrix((ones, (known, year_bin.clip(0, N_YEAR_BINS - 1))), (n_movies, N_YEAR_BINS))
    text = unit_rows(content.text)
    indicators = sp.hstack([shared, years]).tocsr().astype(np.float32)
    return Regressors(indicators, np.float32(TEXT_SCALE) * (text - text.mean(axis=0)))


def predict_left_out(
    regressors: Regressors,
    fitted: Int64[np.ndarray, " fitted"],
    targets: Float32[np.ndarray, "fitted columns"],
    weight: Float[np.ndarray, " fitted"],
) -> Float32[np.ndarray, "movies columns"]:
    """Predict targets by a ridge regression; a fitted movie is predicted without itself.

    With α = (K + L2 / weight)⁻¹ y, where K are the inner products of the fitted movies' regressors, movie i's
    prediction without itself is yᵢ − αᵢ / [(K + L2 / weight)⁻¹]ᵢᵢ (Rasmussen & Williams 2006, eq. 5.12).

    Args:
        regressors: of all movies.
        fitted: rows of the movies that the regression is fitted on.
        targets: of these, one regression for each column; their mean is not penalized.
        weight: of these, above 0, at most 1.
    """
    if not len(fitted):
        return np.zeros((len(regressors.text), targets.shape[1]), np.float32)
    indicators = regressors.indicators[fitted]
    text = regressors.text[fitted]
    mean = np.average(targets, axis=0, weights=weight).astype(np.float32)
    kernel = text @ text.T
    kernel += (indicators @ indicators.T).toarray()
    kernel.flat[:: len(fitted) + 1] += (L2 / weight - L2).astype(np.float32)
    factor = penalized_cholesky(kernel, L2)
    alpha = solve_cholesky(factor, targets - mean)
    prediction = regressors.indicators @ (indicators.T @ alpha) + regressors.text @ (text.T @ alpha) + mean
    prediction[fitted] = targets - alpha / inverse_diagonal(factor)[:, None]
    return prediction
