"""A loaded bundle: predicts ratings, recommends movies and finds similar movies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from reelgraph.app.bundle.format import BundleContents, read_bundle
from reelgraph.app.bundle.new_user import UserRating, build_histories
from reelgraph.app.bundle.results import (
    MoviePrediction,
    Reason,
    SimilarMovie,
    central_interval,
    mmr_rerank,
    top_k,
)
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.raters.io import restore_rater
from reelgraph.raters.rater import Attributions, CandidateScores, Rater
from reelgraph.runtime.errors import InputError

MAX_REASONS = 3
MAX_SHARED_ENTITIES = 4
CANDIDATES_PER_RESULT = 10
"""Number of candidates per recommendation that maximal marginal relevance selects from."""

Movie = int | str
"""A movieId, or a title such as ``Heat (1995)``."""
History = Sequence[tuple[Movie, float] | tuple[Movie, float, int | None]]
"""Movie, stars and, if known, the Unix time in seconds."""


class ScoredMovies(NamedTuple):
    """A user's ratings, and the rater's scores of some movies."""

    ratings: Sequence[UserRating]
    history_rows: Int32[np.ndarray, " history"]
    """Rows of the movies in the history, which attributions index."""
    movie_rows: Int64[np.ndarray, " movies"]
    """Rows of the scored movies."""
    scores: CandidateScores


class Bundle:
    """A rater with its movies and vectors; stateless, so that threads may share it.

    Movies are given by movieId or title, histories as ``(movie, stars)`` or ``(movie, stars, time)``.
    """

    def __init__(self, contents: BundleContents) -> None:
        self.contents = contents
        self.catalog = contents.catalog
        self.rater = restore_bundle_rater(contents)

    @cached_property
    def title_index(self) -> TitleIndex:
        """Index of the movies' titles."""
        return TitleIndex(self.catalog)

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
        genre: str | None = None,
        since: int | None = None,
        exclude_popular: bool = False,
        diverse: bool = False,
    ) -> list[MoviePrediction]:
        """Return the movies that the user has not rated, by descending predicted rating.

        Args:
            history: the user's ratings.
            top: number of movies.
            genre: only movies of this genre.
            since: only movies of this year or later.
            exclude_popular: exclude the 10 % of movies with the most ratings.
            diverse: select by maximal marginal relevance, which trades stars for diversity.

        Raises:
            InputError: a movie or the genre is unknown, or stars are not half stars.
        """
        mask = self.candidate_mask(genre, since, exclude_popular)
        return self.recommend_rows(self.resolve_history(history), mask, top, diverse)

    def similar(self, movie: Movie, by: str = "both", top: int = 10) -> list[SimilarMovie]:
        """Return the nearest neighbours of a movie by cosine similarity.

        Args:
            movie: a movieId or a title.
            by: ``text`` (MiniLM text vectors), ``graph`` (knowledge graph embeddings) or ``both`` (the mean
                of both cosines).
            top: number of movies.

        Raises:
            InputError: the movie is unknown.
        """
        row = self.resolve(movie)
        similarity = self._similarity(row, by)
        similarity[row] = -np.inf
        nearest = np.argsort(-similarity, kind="stable")[: min(top, len(similarity) - 1)]
        return [self._similar_movie(row, int(other), float(similarity[other])) for other in nearest]

    def resolve(self, movie: Movie) -> int:
        """Return the row of a movie.

        Raises:
            InputError: the movie is unknown, or the title is ambiguous.
        """
        if isinstance(movie, str):
            match = self.title_index.match(movie)
            if match.row is None:
                suggestions = self.title_index.suggest(movie)
                remedy = (
                    f"Similar titles: {'; '.join(suggestions)}."
                    if suggestions
                    else "Give title and year, or the movieId."
                )
                raise InputError(repr(movie), "a movie of the bundle", match.reason, remedy)
            return match.row
        row = self.catalog.find_rows([movie])[0]
        if row is None:
            raise InputError(
                f"movieId {movie}",
                "a movie of the bundle",
                "an unknown id",
                "See the bundle's movies.parquet.",
            )
        return row

    def resolve_history(self, history: History) -> list[UserRating]:
        """Return a history with the movies' rows.

        Raises:
            InputError: a movie is unknown.
        """
        return [UserRating(self.resolve(movie), float(stars), *time) for movie, stars, *time in history]

    def candidate_mask(
        self, genre: str | None, since: int | None, exclude_popular: bool
    ) -> Bool[np.ndarray, " movies"]:
        """Return a mask of the movies that pass the filters of ``recommend``.

        Raises:
            InputError: the genre is unknown.
        """
        genres = {name for name in self.catalog.genres if name}
        if genre is not None and genre.strip().lower() not in {name.lower() for name in genres}:
            expected = f"one of {', '.join(sorted(genres))}"
            raise InputError("genre", expected, genre, "Choose a genre of the bundle's movies.")
        return self.catalog.filter_mask(genre, since, exclude_popular)

    def predict_rows(self, ratings: Sequence[UserRating], rows: Sequence[int]) -> list[MoviePrediction]:
        """Predict the movies at these rows; see ``predict``."""
        if {rating.row for rating in ratings}.isdisjoint(rows):
            return self._predictions(self.score(ratings, rows), range(len(rows)))
        return [
            self.predict_rows([rating for rating in ratings if rating.row != row], [row])[0] for row in rows
        ]

    def recommend_rows(
        self,
        ratings: Sequence[UserRating],
        mask: Bool[np.ndarray, " movies"],
        top: int,
        diverse: bool = False,
    ) -> list[MoviePrediction]:
        """Recommend movies of the mask; see ``recommend``."""
        return self.rank(self.score(ratings), mask, top, diverse)

    def score(self, ratings: Sequence[UserRating], rows: Sequence[int] | None = None) -> ScoredMovies:
        """Score the movies at these rows, by default all movies.

        Raises:
            InputError: stars are not half stars, or a movie is rated twice.
        """
        history = build_histories(ratings, [0])
        movies = None if rows is None else np.array(rows, np.int64)
        scores = next(iter(self.rater.score(history, history.train_end, history.test, movies)))
        scored_rows = np.arange(len(self.catalog)) if movies is None else movies
        return ScoredMovies(ratings, history.movie_row, scored_rows, scores)

    def rank(
        self, scored: ScoredMovies, mask: Bool[np.ndarray, " movies"], top: int, diverse: bool
    ) -> list[MoviePrediction]:
        """Return the unrated movies of the mask by descending predicted rating.

        Args:
            scored: scores of all movies.
            mask: candidates.
            top: number of movies.
            diverse: select by maximal marginal relevance.
        """
        stars = scored.scores.prediction.stars
        candidates = mask.copy()
        candidates[[rating.row for rating in scored.ratings]] = False
        k = min(top * CANDIDATES_PER_RESULT if diverse else top, int(candidates.sum()))
        rows = top_k(np.where(candidates, stars, -np.inf), k)
        if diverse:
            vectors = self._unit_vectors_both[rows]
            selected = mmr_rerank(rows, stars, (vectors @ vectors.T).astype(np.float64), top)
            rows = sorted(selected, key=lambda row: -stars[row])
        return self._predictions(scored, rows)

    def _predictions(self, scored: ScoredMovies, indices: Sequence[int]) -> list[MoviePrediction]:
        """Return the predictions at some indices of the scored movies."""
        prediction = scored.scores.prediction
        attributions = scored.scores.attributions(np.array(indices, np.int64))
        results = []
        for index, attribution in zip(indices, attributions, strict=True):
            row = int(scored.movie_rows[index])
            low, high = None, None
            if prediction.probabilities is not None:
                low, high = central_interval(prediction.probabilities[index])
            result = MoviePrediction(
                movie_id=int(self.catalog.movie_ids[row]),
                title=self.catalog.titles[row],
                year=self.catalog.years[row],
                stars=float(prediction.stars[index]),
                low=low,
                high=high,
                ratings=int(self.catalog.rating_counts[row]),
                reasons=self._reasons(scored, row, attribution),
            )
            results.append(result)
        return results

    def _reasons(self, scored: ScoredMovies, target: int, attribution: Attributions) -> tuple[Reason, ...]:
        stars = {rating.row: rating.stars for rating in scored.ratings}
        reasons = []
        for index in np.argsort(-np.abs(attribution.contribution), kind="stable")[:MAX_REASONS]:
            row = int(scored.history_rows[attribution.rating[index]])
            reason = Reason(
                movie_id=int(self.catalog.movie_ids[row]),
                title=self.catalog.label(row),
                stars=stars[row],
                contribution=float(attribution.contribution[index]),
                shared_entities=tuple(self.catalog.shared_entities(row, target)[:MAX_SHARED_ENTITIES]),
            )
            reasons.append(reason)
        return tuple(reasons)

    def _similar_movie(self, row: int, other: int, similarity: float) -> SimilarMovie:
        return SimilarMovie(
            movie_id=int(self.catalog.movie_ids[other]),
            title=self.catalog.titles[other],
            year=self.catalog.years[other],
            similarity=similarity,
            shared_entities=tuple(self.catalog.shared_entities(row, other)),
        )

    def _similarity(self, row: int, by: str) -> Float64[np.ndarray, " movies"]:
        vectors = self._unit_vectors_both if by == "both" else self._unit_vectors(by)
        return (vectors @ vectors[row]).astype(np.float64)

    @cached_property
    def _unit_vectors_both(self) -> Float32[np.ndarray, "movies dim"]:
        """Unit vectors of text and graph, concatenated and scaled by 1/√2: products are mean cosines."""
        both = [self._unit_vectors("text"), self._unit_vectors("graph")]
        return np.concatenate(both, axis=1) / np.float32(np.sqrt(2))

    def _unit_vectors(self, by: str) -> Float32[np.ndarray, "movies dim"]:
        vectors = self.contents.vectors[by]
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))


def restore_bundle_rater(contents: BundleContents) -> Rater:
    """Restore the rater of a bundle from its weights.

    Raises:
        ArtifactError: the weights are corrupt, or of another rater.
    """
    return restore_rater(contents.config.rater, str(contents.weights), lambda: contents.vectors["graph"])


def load(folder: Path | str) -> Bundle:
    """Load the bundle in a folder.

    Raises:
        ArtifactError: a file is missing, corrupt or of another format version, or the files are inconsistent.
    """
    return Bundle(read_bundle(folder))
