"""Every movie in the place of one target: the history is factorised once for all of them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64, Int64

from reelgraph.raters.gp.columns import Beside, Candidates
from reelgraph.raters.gp.content import Content
from reelgraph.raters.gp.inputs import (
    MOVIE_STATISTICS,
    HeadInputs,
    Predictor,
    columns_of,
    how_surprised,
    movie_statistics,
)
from reelgraph.raters.gp.movie_stats import MovieStats, rating_stats
from reelgraph.raters.gp.process import Process
from reelgraph.raters.gp.ratings import Ratings


class Scorer:
    """All movies as candidates, none of them rated by the person who is asked about."""

    def __init__(self, process: Process, stats: MovieStats, content: Content) -> None:
        movies, each = content.movies, np.arange(content.movies)
        unrated = Ratings(
            offsets=np.array([0, movies]),
            movie=each,
            stars=np.full(movies, stats.mean),
            time=np.zeros(movies, np.int64),
            known=np.zeros(movies, bool),
            limit=np.array([movies]),
            rank=np.zeros(movies),
            person=np.zeros(1, np.int64),
        )
        known = rating_stats(stats, unrated)
        self.columns = columns_of(unrated, known, stats.mean, content, len(process.tastes))
        self.by_table: dict[int, Candidates] = {}
        self.process, self.movie = process, each
        self.effect = torch.from_numpy(stats.mean + known.mean)
        self.statistics = torch.from_numpy(np.stack(movie_statistics(known), axis=1)).float()

    @torch.inference_mode()
    def beside(
        self,
        predictor: Predictor,
        row: Int64[np.ndarray, " size"],
        movies: Int64[np.ndarray, " movies"] | None,
    ) -> Beside:
        """Predict movies, by default all, in the place of the window's last rating.

        Args:
            predictor: over the ratings that the window names.
            row: the window.
            movies: rows of movies.
        """
        every = self.candidates(int(predictor.columns.table[row[-1]]))
        if movies is not None:
            every = Candidates(every.vectors, *(each[torch.from_numpy(movies)] for each in every[1:]))
        return self.process.beside(predictor.columns, torch.from_numpy(row), every)

    def head_inputs(
        self,
        found: Beside,
        person: Float64[np.ndarray, " statistics"],
        movies: Int64[np.ndarray, " movies"] | None,
    ) -> HeadInputs:
        """Return what the head reads of the movies.

        Args:
            found: what the process says of them.
            person: what the head reads of the rating in whose place they are: of its movie nothing is taken.
            movies: rows of movies; by default all.
        """
        movies = self.movie if movies is None else movies
        x = torch.empty(len(movies), len(person) + 3)
        x[:, :MOVIE_STATISTICS] = self.statistics[movies]
        x[:, MOVIE_STATISTICS:-3] = torch.from_numpy(person[MOVIE_STATISTICS:])
        x[:, -3], x[:, -2] = found.predicted, found.spread**2
        x[:, -1] = how_surprised((found.surprise**2).sum(), torch.tensor(len(found.surprise)))
        return HeadInputs(movies, x, found.predicted + self.effect[movies].float(), found.spread)

    def candidates(self, table: int) -> Candidates:
        """Return the movies by one table of tastes; made when first asked for, since most ask for few."""
        if table not in self.by_table:
            tables = torch.full_like(self.columns.table, table)
            self.by_table[table] = self.process.candidates(self.columns._replace(table=tables))
        return self.by_table[table]
