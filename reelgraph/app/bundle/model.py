"""A bundle that answers: what somebody would give a movie, what to watch, which movies are alike."""

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
from reelgraph.raters.rater import CandidateScores, Rater
from reelgraph.runtime.errors import InputError

MAX_REASONS, MAX_SHARED_ENTITIES = 3, 4
CANDIDATES_PER_RESULT = 10
"""Times as many movies as are asked for are looked at when they are to be unlike each other."""

Movie = int | str
"""A movieId, or a title such as ``Heat (1995)``."""
History = Sequence[tuple[Movie, float] | tuple[Movie, float, int | None]]
"""Movie, stars and, where it is known, the time in Unix seconds."""


class ScoredMovies(NamedTuple):
    """What somebody rated, and what the rater says of some movies."""

    ratings: Sequence[UserRating]
    history_rows: Int32[np.ndarray, " ratings"]
    """Rows of the movies by the reasons' indices."""
    movie_rows: Int64[np.ndarray, " movie_rows"]
    """Rows of those that were asked."""
    scores: CandidateScores


class Bundle:
    """A rater, its movies and their vectors; it keeps nothing of what it is asked."""

    def __init__(self, contents: BundleContents) -> None:
        self.contents, self.library = contents, contents.catalog
        self.rater = load_rater(contents)

    @cached_property
    def title_index(self) -> TitleIndex:
        """The movies by title."""
        return TitleIndex(self.library)

    def predict(self, history: History, targets: Sequence[Movie]) -> list[MoviePrediction]:
        """Predict what a person would give the targets; nothing is trained.

        Args:
            history: what the person rated: movie, stars (0.5 … 5), and the time where it is known.
            targets: movies. One that is in the history is predicted without its rating there.

        Raises:
            InputError: a movie isn't known, or stars are no half stars.
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
        """Return the movies that a person hasn't rated with the highest predictions, the best first.

        Args:
            history: as in ``predict``.
            top: how many.
            genre: only this one.
            since: only movies of this year or later.
            exclude_popular: leave out the tenth of all movies that most people rated.
            diverse: trade stars for movies unlike each other.

        Raises:
            InputError: a movie isn't known, stars are no half stars, or there is no such genre.
        """
        marks = self.candidate_mask(genre, since, exclude_popular)
        return self.recommend_rows(self.resolve_history(history), marks, top, diverse)

    def candidate_mask(
        self, genre: str | None, since: int | None, exclude_popular: bool
    ) -> Bool[np.ndarray, " movies"]:
        """Mark the movies that ``recommend`` may name.

        Raises:
            InputError: there is no such genre.
        """
        if genre is not None and not self.library.filter_mask(genre).any():
            known = ", ".join(sorted({each for each in self.library.genres if each}))
            raise InputError("genre", f"one of {known}", genre, "Genres are those of the bundle's movies.")
        return self.library.filter_mask(genre, since, exclude_popular)

    def similar(self, movie: Movie, by: str = "both", top: int = 10) -> list[SimilarMovie]:
        """Return the movies whose vectors are nearest by cosine.

        Args:
            movie: a movieId or a title.
            by: ``text``: MiniLM's vectors; ``graph``: the embedding of the knowledge graph; ``both``: their
                mean cosine.
            top: how many.

        Raises:
            InputError: the movie isn't known.
        """
        row = self.resolve(movie)
        likeness = self._likeness(row, by)
        likeness[row] = -np.inf
        best = np.argsort(-likeness, kind="stable")[: min(top, len(likeness) - 1)]
        return [self._alike(row, int(each), float(likeness[each])) for each in best]

    def resolve(self, movie: Movie) -> int:
        """Return the row of a movie.

        Raises:
            InputError: it isn't known, or the title is ambiguous.
        """
        if isinstance(movie, str):
            found = self.title_index.match(movie)
            if found.row is None:
                near = self.title_index.suggest(movie)
                hint = f"Alike are {'; '.join(near)}." if near else "Name title and year, or its movieId."
                raise InputError(repr(movie), "a movie of the bundle", found.reason, hint)
            return found.row
        found_row = self.library.find_rows([movie])[0]
        if found_row is None:
            raise InputError(f"movieId {movie}", "a movie of the bundle", "none", "See its movies.parquet.")
        return found_row

    def resolve_history(self, history: History) -> list[UserRating]:
        """Return a history with rows for movies."""
        return [UserRating(self.resolve(movie), float(stars), *rest) for movie, stars, *rest in history]

    def predict_rows(self, rated: Sequence[UserRating], rows: Sequence[int]) -> list[MoviePrediction]:
        """Predict movies by row; see ``predict``."""
        inside = {each.row for each in rated}
        if inside.isdisjoint(rows):
            return self._predicted(self.score(rated, rows), range(len(rows)))
        return [self.predict_rows([e for e in rated if e.row != row], [row])[0] for row in rows]

    def recommend_rows(
        self, rated: Sequence[UserRating], marks: Bool[np.ndarray, " movies"], top: int, diverse: bool = False
    ) -> list[MoviePrediction]:
        """Recommend among the marked movies; see ``recommend``."""
        return self.rank(self.score(rated), marks, top, diverse)

    def score(self, rated: Sequence[UserRating], rows: Sequence[int] | None = None) -> ScoredMovies:
        """Predict movies by row, by default all."""
        people, every = build_histories(rated, [0]), np.arange(len(self.library))
        movies = every if rows is None else np.array(rows, np.int64)
        scores = self.rater.score(people, people.train_end, people.test, None if rows is None else movies)
        return ScoredMovies(rated, people.movie_row, movies, next(iter(scores)))

    def rank(
        self, asked: ScoredMovies, marks: Bool[np.ndarray, " movies"], top: int, diverse: bool
    ) -> list[MoviePrediction]:
        """Return the marked movies that aren't rated with the most predicted stars; all were asked."""
        stars, allowed = asked.scores.prediction.stars, marks.copy()
        allowed[[each.row for each in asked.ratings]] = False
        rows = top_k(
            np.where(allowed, stars, -np.inf),
            min(top * CANDIDATES_PER_RESULT if diverse else top, int(allowed.sum())),
        )
        if diverse:
            unit = self._both[rows]
            chosen = mmr_rerank(rows, stars, (unit @ unit.T).astype(np.float64), top)
            rows = sorted(chosen, key=lambda row: -stars[row])
        return self._predicted(asked, rows)

    def _predicted(self, asked: ScoredMovies, at: Sequence[int]) -> list[MoviePrediction]:
        """Tell the predictions at some places among the movies that were asked."""
        said, catalog = asked.scores.prediction, self.library
        given, found = {each.row: each.stars for each in asked.ratings}, []
        for place, why in zip(at, asked.scores.attributions(np.array(at, np.int64)), strict=True):
            row = int(asked.movie_rows[place])
            given_all = said.probabilities
            low, high = (None, None) if given_all is None else central_interval(given_all[place])
            most = np.argsort(-np.abs(why.contribution), kind="stable")[:MAX_REASONS]
            earlier, added = asked.history_rows[why.rating[most]].tolist(), why.contribution[most].tolist()
            reasons = [self._reason(e, row, given[e], a) for e, a in zip(earlier, added, strict=True)]
            found.append(
                MoviePrediction(int(catalog.movie_ids[row]), catalog.titles[row], catalog.years[row],
                          float(said.stars[place]), low, high, tuple(reasons))
            )  # fmt: skip
        return found

    def _reason(self, row: int, target: int, gave: float, added: float) -> Reason:
        shared = tuple(self.library.shared_entities(row, target)[:MAX_SHARED_ENTITIES])
        return Reason(int(self.library.movie_ids[row]), self.library.label(row), gave, added, shared)

    def _alike(self, row: int, other: int, likeness: float) -> SimilarMovie:
        library = self.library
        shared = tuple(library.shared_entities(row, other))
        return SimilarMovie(
            int(library.movie_ids[other]), library.titles[other], library.years[other], likeness, shared
        )

    def _likeness(self, row: int, by: str) -> Float64[np.ndarray, " movies"]:
        unit = self._both if by == "both" else self._unit(by)
        return (unit @ unit[row]).astype(np.float64)

    @cached_property
    def _both(self) -> Float32[np.ndarray, "movies dim"]:
        """Both unit vectors beside each other, unit again: products are the mean of both cosines."""
        return np.concatenate([self._unit("text"), self._unit("graph")], axis=1) / np.float32(np.sqrt(2))

    def _unit(self, by: str) -> Float32[np.ndarray, "movies dim"]:
        vectors = self.contents.vectors[by]
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))


def load_rater(contents: BundleContents) -> Rater:
    """Build the rater of a bundle.

    Raises:
        ArtifactError: the weights are broken, or of another rater.
    """
    return restore_rater(contents.config.rater, str(contents.weights), lambda: contents.vectors["graph"])


def load(folder: Path | str) -> Bundle:
    """Load a bundle.

    Raises:
        ArtifactError: a file is missing, broken, of another format, or the files don't fit together.
    """
    return Bundle(read_bundle(folder))
