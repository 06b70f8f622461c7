"""What the process and its head read of each rating: nothing of the rating itself but as a target."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from reelgraph.core.parallel import one_thread_each
from reelgraph.raters.gp.columns import Columns
from reelgraph.raters.gp.content import Content
from reelgraph.raters.gp.movie_stats import MovieStats, RatingStats, rating_stats
from reelgraph.raters.gp.process import Process
from reelgraph.raters.gp.ratings import Ratings
from reelgraph.raters.gp.tastes import table_of
from reelgraph.raters.gp.windows import Marks, Rows

YEAR, YEARS = 1995.0, 15.0
RECENT = (1, 3, 10)
MOVIE_STATISTICS = 4
HEAD_STATISTICS = 14 + len(RECENT)
"""What the head reads beside the process's mean, variance and surprise."""


class HeadInputs(NamedTuple):
    """One row a rating, in the order of ``rating``, its index."""

    rating: Int64[np.ndarray, " rows"]
    x: Float[Tensor, "rows inputs"]
    mean: Float[Tensor, " rows"]
    spread: Float[Tensor, " rows"]


def movie_statistics(stats: RatingStats) -> list[Float64[np.ndarray, " ratings"]]:
    """Return what the head reads of each rating's movie: its first columns."""
    return [stats.mean, stats.log_count, stats.spread, stats.prior]


def columns_of(ratings: Ratings, stats: RatingStats, mean: float, content: Content, tables: int) -> Columns:
    """Return what the process reads of each rating; ``tables``: of tastes, that people are dealt to."""
    year = (content.year - YEAR) / YEARS
    x = np.empty((len(ratings.movie), 4), np.float32)
    x[:, 0], x[:, 1] = stats.mean / 0.5, (stats.log_count - 3) / 1.5
    x[:, 2], x[:, 3] = year[ratings.movie], (year**2 - 1)[ratings.movie]
    noise = np.empty((len(x), 2), np.float32)
    noise[:, 0], noise[:, 1] = np.exp(-stats.log_count), np.log(stats.spread)
    return Columns(
        movie=torch.from_numpy(ratings.movie),
        table=torch.from_numpy(table_of(ratings, tables)),
        rank=torch.from_numpy(ratings.rank),
        time=torch.from_numpy(ratings.time),
        x=torch.from_numpy(x.clip(-4, 4, out=x)),
        noise=torch.from_numpy(noise),
        residual=_float(ratings.stars - mean - stats.mean),
    )


def how_surprised(squares: Float[Tensor, "*shape"], count: Int64[Tensor, "..."]) -> Float[Tensor, "*shape"]:
    """Return how much worse than foreseen the person could be predicted so far: ten ratings say as foreseen.

    Args:
        squares: sum of the squared surprises.
        count: how many there were.
    """
    return torch.log((squares + 10) / (count + 10))


class Predictor:
    """The fitted process over one set of ratings."""

    def __init__(self, process: Process, stats: MovieStats, ratings: Ratings, content: Content) -> None:
        self.process, self.ratings, self.mean = process, ratings, stats.mean
        self.stats = rating_stats(stats, ratings)
        self.columns = columns_of(ratings, self.stats, stats.mean, content, len(process.tastes))

    @torch.inference_mode()
    def head_inputs(self, rows: Rows, own: Marks, batch: int) -> HeadInputs:
        """Predict the marked ratings of the windows and gather what the head reads of them."""
        parts = one_thread_each(
            lambda i: self._window(rows[i : i + batch], own[i : i + batch]), range(0, len(rows), batch)
        )
        index, ahead = (np.concatenate([part[i] for part in parts]) for i in range(2))
        order = np.argsort(index, kind="stable")
        index, (above, spread, surprise) = index[order], ahead[order].T
        x = np.stack([*self.statistics(index), above, spread**2, surprise], axis=1)
        mean = above + self.mean + self.stats.mean[index]
        return HeadInputs(index, _float(x), _float(mean), _float(spread))

    @torch.inference_mode()
    def _window(
        self, rows: Rows, own: Marks
    ) -> tuple[Int64[np.ndarray, " own"], Float64[np.ndarray, "own 3"]]:
        width = int((rows >= 0).sum(axis=1).max())
        rows, own = rows[:, :width], own[:, :width]
        found = self.process.ahead(self.columns, torch.from_numpy(rows))
        squares = torch.cumsum(found.surprise**2, dim=1) - found.surprise**2
        surprise = how_surprised(squares, torch.arange(width))
        ahead = torch.stack([found.predicted, found.spread, surprise], dim=2).double().numpy()
        return rows[own], ahead[own]

    def statistics(self, index: Int64[np.ndarray, " rows"]) -> list[Float64[np.ndarray, " rows"]]:
        """Return what the head reads of each rating beside the process's mean, variance and surprise."""
        ratings, stats = self.ratings, self.stats
        stars, place = ratings.stars, ratings.place(index)
        seen, halves = place + 1.0, (stars * 2) % 2
        residual = stars - self.mean - stats.mean
        columns = [*(column[index] for column in movie_statistics(stats)), np.log1p(place)]
        columns.append(np.log1p(ratings.gap(index)))
        # One after another: together, columns of all ratings take gigabytes at full size.
        columns += [ratings.before((np.ceil(stars) == k).astype(float), index) for k in range(1, 6)]
        columns += [ratings.before(stats.log_count, index), ratings.before(halves, index)]
        columns[-7:] = [column / seen for column in columns[-7:]]
        columns.append(ratings.recent(halves, 10, index))
        return columns + [ratings.recent(residual, count, index) for count in RECENT]


def _float(values: Float64[np.ndarray, "..."]) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
