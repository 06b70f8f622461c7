"""Every movie in the place of one target: the history is factorised once for all of them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reelgraph.raters.gp.content import Content
from reelgraph.raters.gp.inputs import MOVIE_STATISTICS, HeadInputs, Predictor, columns_of, movie_statistics
from reelgraph.raters.gp.movie_stats import MovieStats, rating_stats
from reelgraph.raters.gp.process import Candidates, Process
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
        self.level = torch.from_numpy(stats.mean + known.mean).float()
        self.statistics = torch.from_numpy(np.stack(movie_statistics(known), axis=1)).float()

    @torch.inference_mode()
    def head_inputs(
        self, predictor: Predictor, row: Int64[np.ndarray, " size"], asked: Float[Tensor, " inputs"]
    ) -> HeadInputs:
        """Return what the head reads of every movie in the place of the window's last rating.

        Args:
            predictor: over the ratings that the window names.
            row: the window.
            asked: what the head reads of the last rating itself: what doesn't depend on its movie stays.
        """
        candidates = self._candidates(int(predictor.columns.table[row[-1]]))
        mean, spread = self.process.beside(predictor.columns, torch.from_numpy(row), candidates)
        x = asked.repeat(len(self.movie), 1)
        x[:, :MOVIE_STATISTICS], x[:, -3], x[:, -2] = self.statistics, mean, spread**2
        return HeadInputs(self.movie, x, mean + self.level, spread)

    def _candidates(self, table: int) -> Candidates:
        """Return the movies by one table of tastes; made when first asked for, since most ask for few."""
        if table not in self.by_table:
            tables = torch.full_like(self.columns.table, table)
            self.by_table[table] = self.process.candidates(self.columns._replace(table=tables))
        return self.by_table[table]
