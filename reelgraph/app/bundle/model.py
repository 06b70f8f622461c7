"""A bundle that answers: what somebody would give a movie, what to watch, which movies are alike."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from reelgraph.app.bundle.answers import Predicted, Reason, Similar, best, interval, spread_out
from reelgraph.app.bundle.contents import Contents, read_bundle
from reelgraph.app.bundle.person import Rated, histories_of
from reelgraph.app.bundle.titles import TitleIndex
from reelgraph.raters.loading import restored
from reelgraph.raters.rater import Rater, Scores
from reelgraph.runtime.errors import InputError

SHOWN_REASONS, SHOWN_SHARED = 3, 4
CANDIDATES = 10
"""Times as many movies as are asked for are looked at when they are to be unlike each other."""

Movie = int | str
"""A movieId, or a title such as ``Heat (1995)``."""
History = Sequence[tuple[Movie, float] | tuple[Movie, float, int | None]]
"""Movie, stars and, where it is known, the time in Unix seconds."""


class Asked(NamedTuple):
    """What somebody rated, and what the rater says of some movies."""

    rated: Sequence[Rated]
    earlier: Int32[np.ndarray, " ratings"]
    """Rows of the movies by the reasons' indices."""
    movies: Int64[np.ndarray, " movies"]
    """Rows of those that were asked."""
    scores: Scores


class Bundle:
    """A rater, its movies and their vectors; it keeps nothing of what it is asked."""

    def __init__(self, contents: Contents) -> None:
        self.contents, self.library = contents, contents.library
        self.rater = rater_of(contents)

    @cached_property
    def titles(self) -> TitleIndex:
        """The movies by title."""
        return TitleIndex(self.library)

    def predict(self, history: History, targets: Sequence[Movie]) -> list[Predicted]:
        """Predict what a person would give the targets; nothing is trained.

        Args:
            history: what the person rated: movie, stars (0.5 … 5), and the time where it is known.
            targets: movies. One that is in the history is predicted without its rating there.

        Raises:
            InputError: a movie isn't known, or stars are no half stars.
        """
        return self.predict_rows(self.rated(history), [self.row(movie) for movie in targets])

    def recommend(
        self,
        history: History,
        top: int = 20,
        *,
        genre: str | None = None,
        since: int | None = None,
        unseen_by_many: bool = False,
        diverse: bool = False,
    ) -> list[Predicted]:
        """Return the movies that a person hasn't rated with the highest predictions, the best first.

        Args:
            history: as in ``predict``.
            top: how many.
            genre: only this one.
            since: only movies of this year or later.
            unseen_by_many: leave out the tenth of all movies that most people rated.
            diverse: trade stars for movies unlike each other.

        Raises:
            InputError: a movie isn't known, stars are no half stars, or there is no such genre.
        """
        marks = self.marks(genre, since, unseen_by_many)
        return self.recommend_rows(self.rated(history), marks, top, diverse)

    def marks(
        self, genre: str | None, since: int | None, unseen_by_many: bool
    ) -> Bool[np.ndarray, " movies"]:
        """Mark the movies that ``recommend`` may name.

        Raises:
            InputError: there is no such genre.
        """
        if genre is not None and not self.library.select(genre).any():
            known = ", ".join(sorted({each for each in self.library.genres if each}))
            raise InputError("genre", f"one of {known}", genre, "Genres are those of the bundle's movies.")
        return self.library.select(genre, since, unseen_by_many)

    def similar(self, movie: Movie, by: str = "both", top: int = 10) -> list[Similar]:
        """Return the movies whose vectors are nearest by cosine.

        Args:
            movie: a movieId or a title.
            by: ``text``: MiniLM's vectors; ``graph``: the embedding of the knowledge graph; ``both``: their
                mean cosine.
            top: how many.

        Raises:
            InputError: the movie isn't known.
        """
        row = self.row(movie)
        likeness = self._likeness(row, by)
        likeness[row] = -np.inf
        best = np.argsort(-likeness, kind="stable")[: min(top, len(likeness) - 1)]
        return [self._alike(row, int(each), float(likeness[each])) for each in best]

    def row(self, movie: Movie) -> int:
        """Return the row of a movie.

        Raises:
            InputError: it isn't known, or the title is ambiguous.
        """
        if isinstance(movie, str):
            found = self.titles.find(movie)
            if found.row is None:
                near = self.titles.near(movie)
                hint = f"Alike are {'; '.join(near)}." if near else "Name title and year, or its movieId."
                raise InputError(repr(movie), "a movie of the bundle", found.why, hint)
            return found.row
        found_row = self.library.rows_of([movie])[0]
        if found_row is None:
            raise InputError(f"movieId {movie}", "a movie of the bundle", "none", "See its movies.parquet.")
        return found_row

    def rated(self, history: History) -> list[Rated]:
        """Return a history with rows for movies."""
        return [Rated(self.row(movie), float(stars), *rest) for movie, stars, *rest in history]

    def predict_rows(self, rated: Sequence[Rated], rows: Sequence[int]) -> list[Predicted]:
        """Predict movies by row; see ``predict``."""
        inside = {each.row for each in rated}
        if inside.isdisjoint(rows):
            return self._predicted(self.ask(rated, rows), range(len(rows)))
        return [self.predict_rows([e for e in rated if e.row != row], [row])[0] for row in rows]

    def recommend_rows(
        self, rated: Sequence[Rated], marks: Bool[np.ndarray, " movies"], top: int, diverse: bool = False
    ) -> list[Predicted]:
        """Recommend among the marked movies; see ``recommend``."""
        return self.ranked(self.ask(rated), marks, top, diverse)

    def ask(self, rated: Sequence[Rated], rows: Sequence[int] | None = None) -> Asked:
        """Predict movies by row, by default all."""
        people, every = histories_of(rated, [0]), np.arange(len(self.library))
        movies = every if rows is None else np.array(rows, np.int64)
        scores = self.rater.score(people, people.train_end, people.test, None if rows is None else movies)
        return Asked(rated, people.movie_row, movies, next(iter(scores)))

    def ranked(
        self, asked: Asked, marks: Bool[np.ndarray, " movies"], top: int, diverse: bool
    ) -> list[Predicted]:
        """Return the marked movies that aren't rated with the most predicted stars; all were asked."""
        stars, allowed = asked.scores.said.stars, marks.copy()
        allowed[[each.row for each in asked.rated]] = False
        rows = best(
            np.where(allowed, stars, -np.inf), min(top * CANDIDATES if diverse else top, int(allowed.sum()))
        )
        if diverse:
            unit = self._both[rows]
            chosen = spread_out(rows, stars, (unit @ unit.T).astype(np.float64), top)
            rows = sorted(chosen, key=lambda row: -stars[row])
        return self._predicted(asked, rows)

    def _predicted(self, asked: Asked, at: Sequence[int]) -> list[Predicted]:
        """Tell the predictions at some places among the movies that were asked."""
        said, library = asked.scores.said, self.library
        given, found = {each.row: each.stars for each in asked.rated}, []
        for place, why in zip(at, asked.scores.reasons(np.array(at, np.int64)), strict=True):
            row = int(asked.movies[place])
            given_all = said.probabilities
            low, high = (None, None) if given_all is None else interval(given_all[place])
            most = np.argsort(-np.abs(why.added), kind="stable")[:SHOWN_REASONS]
            earlier, added = asked.earlier[why.rating[most]].tolist(), why.added[most].tolist()
            reasons = [self._reason(e, row, given[e], a) for e, a in zip(earlier, added, strict=True)]
            found.append(
                Predicted(int(library.movie_ids[row]), library.titles[row], library.years[row],
                          float(said.stars[place]), low, high, tuple(reasons))
            )  # fmt: skip
        return found

    def _reason(self, row: int, target: int, gave: float, added: float) -> Reason:
        shared = tuple(self.library.shared(row, target)[:SHOWN_SHARED])
        return Reason(int(self.library.movie_ids[row]), self.library.name(row), gave, added, shared)

    def _alike(self, row: int, other: int, likeness: float) -> Similar:
        library = self.library
        shared = tuple(library.shared(row, other))
        return Similar(
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


def rater_of(contents: Contents) -> Rater:
    """Build the rater of a bundle.

    Raises:
        ArtifactError: the weights are broken, or of another rater.
    """
    return restored(contents.config.rater, str(contents.weights), lambda: contents.vectors["graph"])


def load(folder: Path | str) -> Bundle:
    """Load a bundle.

    Raises:
        ArtifactError: a file is missing, broken, of another format, or the files don't fit together.
    """
    return Bundle(read_bundle(folder))
