"""A loaded bundle: predicts ratings, recommends movies and finds similar movies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from reelgraph.app.bundle.filters import Filters, apply_filters, make_filters
from reelgraph.app.bundle.format import EXPORT_HINT, BundleContents, read_bundle
from reelgraph.app.bundle.movie_lookup import find_movie
from reelgraph.app.bundle.new_user import UserRating, build_histories, order_ratings, rating_times
from reelgraph.app.bundle.reasons import select_reasons, select_watched
from reelgraph.app.bundle.results import (
    MoviePrediction,
    ScoredMovies,
    SimilarMovie,
    check_top,
    mmr_rerank,
    star_ranges,
    top_k,
)
from reelgraph.app.bundle.similarity import MovieSimilarity
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.bundle.title_search import TitleSearch
from reelgraph.rankers.ranker import Ranker, RankingQuery, watched_and_liked
from reelgraph.rankers.registry import load_ranker
from reelgraph.raters.io import restore_rater
from reelgraph.raters.rater import Rater
from reelgraph.runtime.errors import InputError

RATING_STD = 0.8
"""Standard deviation of one rating of a movie, stars. A movie's mean has this error over √(ratings + 1)."""
CANDIDATES_PER_RESULT = 10
"""Number of candidates per recommendation that maximal marginal relevance selects from."""

ORDERS = ("ranker", "stars")
"""What recommendations are ordered by."""
Movie = int | str
"""A movieId, or a title such as ``Heat (1995)``."""
History = Sequence[tuple[Movie, float] | tuple[Movie, float, int | None]]
"""Movie, stars and, if known, the Unix time in seconds."""


class Bundle:
    """A rater with its movies and vectors; stateless, so that threads may share it.

    Movies are given by movieId or title, histories as ``(movie, stars)`` or ``(movie, stars, time)``.
    """

    def __init__(self, contents: BundleContents) -> None:
        self.contents = contents
        self.catalog = contents.catalog
        self.rater = restore_bundle_rater(contents)

    @cached_property
    def ranker(self) -> Ranker | None:
        """What orders recommendations; None in a bundle without a ranker."""
        return None if self.contents.ranker is None else load_ranker(self.contents.ranker)

    @cached_property
    def title_index(self) -> TitleIndex:
        """Index of the movies' titles."""
        return TitleIndex(self.catalog)

    @cached_property
    def title_search(self) -> TitleSearch:
        """Search by titles, as people type them."""
        return TitleSearch(self.catalog)

    @cached_property
    def similarity(self) -> MovieSimilarity:
        """Similarities of the movies."""
        return MovieSimilarity(self.contents, self.rater.movie_vectors())

    @cached_property
    def average_stars(self) -> Float64[np.ndarray, " movies"]:
        """Predicted stars of all movies for a user without ratings."""
        return self.score([]).scores.prediction.stars

    def predict(self, history: History, targets: Sequence[Movie]) -> list[MoviePrediction]:
        """Predict a user's ratings of the targets; nothing is trained.

        Args:
            history: the user's ratings.
            targets: movies. The prediction for a movie in the history ignores the user's rating of it.

        Raises:
            InputError: a movie is unknown, or stars are not half stars.
        """
        return self.predict_rows(self.resolve_history(history), [self.resolve(movie) for movie in targets])

    def recommend(
        self,
        history: History,
        top: int = 20,
        *,
        by: str = "ranker",
        diverse: bool = False,
        **filters: Any,
    ) -> list[MoviePrediction]:
        """Return the movies that the user has not rated, the best first; see ``rank``.

        Args:
            history: the user's ratings.
            top: number of movies.
            by: see ``rank``.
            diverse: select by maximal marginal relevance, which trades the order for diversity.
            filters: fields of ``Filters``, such as ``genres=["Drama"], since=1990``.

        Raises:
            InputError: a movie, filter, genre, language or country is unknown, stars are not half stars, or
                ``top`` or ``by`` is not as above.
        """
        if by not in ORDERS:
            raise InputError("by", f"one of {', '.join(ORDERS)}", repr(by), "Choose one of them.")
        check_top(top)
        ratings = self.resolve_history(history)
        mask, _ = self.candidates(make_filters(**filters), [rating.row for rating in ratings])
        return self.rank(self.score(ratings), mask, top, diverse, by)

    def similar(self, movie: Movie, by: str | None = None, top: int = 10) -> list[SimilarMovie]:
        """Return the most similar movies.

        Args:
            movie: a movieId or a title.
            by: ``audience`` (who watches and likes them), ``text`` (MiniLM vectors), ``graph`` (knowledge
                graph embeddings) or ``both`` (the mean of the last two cosines). By default ``audience``, or
                ``both`` if the movie has no ratings or the rater no vectors.
            top: number of movies.

        Raises:
            InputError: the movie or ``by`` is unknown, ``top`` is below 1, or the rater knows no audiences.
        """
        check_top(top)
        row = self.resolve(movie)
        return self.similarity.find_nearest(row, by or self.similarity.default_kind(row), top)

    def resolve(self, movie: Movie) -> int:
        """Return the row of a movie; see ``find_movie``.

        Raises:
            InputError: the movie is unknown, or the title is ambiguous.
        """
        return find_movie(movie, self.catalog, self.title_index, self.title_search)

    def resolve_history(self, history: History) -> list[UserRating]:
        """Return a history with the movies' rows.

        Raises:
            InputError: a movie is unknown.
        """
        titles = [movie for movie, *_ in history if isinstance(movie, str)]
        # All at once, which is much faster than one by one.
        matches = self.title_index.match_all([((title,), None) for title in titles])
        rows = {title: match.row for title, match in zip(titles, matches, strict=True)}

        def find_row(movie: Movie) -> int:
            row = rows.get(movie) if isinstance(movie, str) else None
            return self.resolve(movie) if row is None else row

        return [UserRating(find_row(movie), float(stars), *time) for movie, stars, *time in history]

    def candidates(
        self, filters: Filters, excluded: Iterable[int], only: Iterable[int] | None = None
    ) -> tuple[Bool[np.ndarray, " movies"], str]:
        """Return a mask of the movies to choose from, and which filter left none; see ``apply_filters``.

        Args:
            filters: conditions that the movies meet.
            excluded: rows of movies that are not recommended, such as those that the user has rated.
            only: rows of movies to choose from; None: all.
        """
        mask = np.full(len(self.catalog), only is None)
        mask[list(only or ())] = True
        mask[list(excluded)] = False
        return apply_filters(self.catalog, filters, mask)

    def predict_rows(self, ratings: Sequence[UserRating], rows: Sequence[int]) -> list[MoviePrediction]:
        """Predict the movies at these rows; see ``predict``."""
        rated = {rating.row for rating in ratings}
        unrated = [row for row in dict.fromkeys(rows) if row not in rated]
        predictions = self._predict_unrated(ratings, unrated) if unrated else {}
        for row in rated.intersection(rows):
            others = [rating for rating in ratings if rating.row != row]
            predictions |= self._predict_unrated(others, [row])
        return [predictions[row] for row in rows]

    def _predict_unrated(
        self, ratings: Sequence[UserRating], rows: Sequence[int]
    ) -> dict[int, MoviePrediction]:
        """Return the prediction of each movie by row; the reasons of one do not depend on the others."""
        scored = self.score(ratings, rows)
        return {row: self._predictions(scored, [index])[0] for index, row in enumerate(rows)}

    def score(self, ratings: Sequence[UserRating], rows: Sequence[int] | None = None) -> ScoredMovies:
        """Score the movies at these rows, by default all movies.

        Raises:
            InputError: stars are not half stars, or a movie is rated twice.
        """
        history = build_histories(ratings, [0])
        movies = None if rows is None else np.array(rows, np.int64)
        scores = next(iter(self.rater.score(history, history.train_end, history.test, movies, some_day=True)))
        scored_rows = np.arange(len(self.catalog)) if movies is None else movies
        rated_at = rating_times(ratings)[order_ratings(ratings)]
        return ScoredMovies(ratings, history.movie_row[:-1].astype(np.int64), rated_at, scored_rows, scores)

    def rank(
        self,
        scored: ScoredMovies,
        mask: Bool[np.ndarray, " movies"],
        top: int,
        diverse: bool,
        by: str = "ranker",
    ) -> list[MoviePrediction]:
        """Return movies of the mask, the best first.

        Args:
            scored: scores of all movies.
            mask: candidates.
            top: number of movies.
            diverse: select by maximal marginal relevance.
            by: ``ranker``: by the probability that a movie is watched next and liked. ``stars``, in a bundle
                without a ranker, and for a user without ratings: by predicted rating minus the standard error
                of the movie's mean.
        """
        order = self.order(scored, by)
        k = min(top * CANDIDATES_PER_RESULT if diverse else top, int(mask.sum()))
        rows = top_k(np.where(mask, order, -np.inf), k)
        if diverse:
            vectors = self.similarity.vectors_of_both[rows]
            selected = mmr_rerank(rows, order, (vectors @ vectors.T).astype(np.float64), top)
            rows = sorted(selected, key=lambda row: -order[row])
        predictions = self._predictions(scored, rows)
        served = self._served_ranker(scored, by)
        if served is None:
            return predictions
        ranker, query = served
        contributions = ranker.contributions(query, np.array(rows, np.int64))
        watched = select_watched(self.catalog, scored.rated_stars, query.history, contributions)
        return [
            replace(prediction, watched=movies)
            for prediction, movies in zip(predictions, watched, strict=True)
        ]

    def order(self, scored: ScoredMovies, by: str = "ranker") -> Float64[np.ndarray, " movies"]:
        """Return a number for each movie; the highest is recommended first.

        It is ``watched_and_liked`` of the ranker's scores, comparable between users who have ratings, or the
        lower bound of the stars; see ``rank``.
        """
        served = self._served_ranker(scored, by)
        if served is not None:
            ranker, query = served
            watched = ranker.score(query).astype(np.float64)
            watched -= np.logaddexp.reduce(watched)
            probabilities = scored.scores.prediction.probabilities
            if probabilities is None:
                return watched
            return watched_and_liked(watched, probabilities, self.catalog.rating_counts)
        return self.lower_bound(scored.scores.prediction.stars)

    def _served_ranker(self, scored: ScoredMovies, by: str) -> tuple[Ranker, RankingQuery] | None:
        """Return the ranker and its query; None if the order is by stars."""
        if by == "stars" or self.ranker is None or not len(scored.history_rows):
            return None
        return self.ranker, RankingQuery(scored.history_rows, rated_at=scored.rated_at)

    def lower_bound(self, stars: Float64[np.ndarray, " movies"]) -> Float64[np.ndarray, " movies"]:
        """Return predicted stars of all movies minus the standard error of each movie's mean."""
        return stars - RATING_STD / np.sqrt(self.catalog.rating_counts + 1)

    def _predictions(self, scored: ScoredMovies, indices: Sequence[int]) -> list[MoviePrediction]:
        """Return the predictions at some indices of the scored movies; reasons vary as those of a list."""
        prediction = scored.scores.prediction
        attributions = scored.scores.attributions(np.array(indices, np.int64))
        vectors = self.similarity.audience_vectors
        stars = scored.rated_stars
        earlier: Counter[int] = Counter()
        results = []
        for index, attribution in zip(indices, attributions, strict=True):
            row = int(scored.movie_rows[index])
            probabilities = None if prediction.probabilities is None else prediction.probabilities[index]
            history = scored.history_rows
            reasons = select_reasons(self.catalog, vectors, stars, row, history, attribution, earlier)
            earlier.update(reason.movie_id for reason in reasons if reason.contribution > 0)
            result = MoviePrediction(
                **self.catalog.identify(row),
                stars=float(prediction.stars[index]),
                prediction_set=None if probabilities is None else star_ranges(probabilities),
                ratings=int(self.catalog.rating_counts[row]),
                reasons=reasons,
            )
            results.append(result)
        return results


def restore_bundle_rater(contents: BundleContents) -> Rater:
    """Restore the rater of a bundle from its weights.

    Raises:
        ArtifactError: the weights are corrupt, or of another rater.
    """
    rater = contents.config.rater
    weights = str(contents.weights)
    return restore_rater(rater, weights, lambda: contents.vectors["graph"], remedy=EXPORT_HINT)


def load(folder: Path | str) -> Bundle:
    """Load the bundle in a folder.

    Raises:
        ArtifactError: a file is missing, corrupt or of another format version, or the files are inconsistent.
    """
    return Bundle(read_bundle(folder))
