"""What the process and its head read of each rating: nothing of the rating itself but as a target."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from reelgraph.core.parallel import parallel_map
from reelgraph.raters.gp.leave_one_out_stats import LeaveOneOutStats, MovieStats, leave_one_out_stats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import assign_folds
from reelgraph.raters.gp.rating_table import RatingTable, Rows, TargetMask
from reelgraph.raters.gp.types import CandidateCache, CandidatePredictions, RatingFeatures

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


def movie_statistics(stats: LeaveOneOutStats) -> list[Float64[np.ndarray, " ratings"]]:
    """Return what the head reads of each rating's movie: its first columns."""
    return [stats.mean, stats.log_count, stats.std, stats.prior]


def rating_features(
    ratings: RatingTable, stats: LeaveOneOutStats, mean: float, content: MovieContent, tables: int
) -> RatingFeatures:
    """Return what the process reads of each rating; ``tables``: of tastes, that people are dealt to."""
    year = (content.year - YEAR) / YEARS
    x = np.empty((len(ratings.movie), 4), np.float32)
    x[:, 0], x[:, 1] = stats.mean / 0.5, (stats.log_count - 3) / 1.5
    x[:, 2], x[:, 3] = year[ratings.movie], (year**2 - 1)[ratings.movie]
    noise = np.empty((len(x), 2), np.float32)
    noise[:, 0], noise[:, 1] = np.exp(-stats.log_count), np.log(stats.std)
    return RatingFeatures(
        movie=torch.from_numpy(ratings.movie),
        fold=torch.from_numpy(assign_folds(ratings, tables)),
        rank=torch.from_numpy(ratings.rank),
        time=torch.from_numpy(ratings.time),
        movie_features=torch.from_numpy(x.clip(-4, 4, out=x)),
        noise_features=torch.from_numpy(noise),
        residual=_float(ratings.stars - mean - stats.mean),
    )


def log_dispersion(squares: Float[Tensor, "*shape"], count: Int64[Tensor, "..."]) -> Float[Tensor, "*shape"]:
    """Return how much worse than foreseen the person could be predicted so far: ten ratings say as foreseen.

    Args:
        squares: sum of the squared surprises.
        count: how many there were.
    """
    return torch.log((squares + 10) / (count + 10))


class OneStepPredictor:
    """The fitted process over one set of ratings."""

    def __init__(
        self, process: GaussianProcess, stats: MovieStats, ratings: RatingTable, content: MovieContent
    ) -> None:
        self.process, self.ratings, self.mean = process, ratings, stats.mean
        self.stats = leave_one_out_stats(stats, ratings)
        self.columns = rating_features(ratings, self.stats, stats.mean, content, len(process.latent_factors))

    @torch.inference_mode()
    def head_inputs(self, rows: Rows, own: TargetMask, batch: int) -> HeadInputs:
        """Predict the marked ratings of the windows and gather what the head reads of them."""
        parts = parallel_map(
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
        self, rows: Rows, own: TargetMask
    ) -> tuple[Int64[np.ndarray, " own"], Float64[np.ndarray, "own 3"]]:
        width = int((rows >= 0).sum(axis=1).max())
        rows, own = rows[:, :width], own[:, :width]
        found = self.process.predict_one_step(self.columns, torch.from_numpy(rows))
        squares = torch.cumsum(found.standardized_residual**2, dim=1) - found.standardized_residual**2
        surprise = log_dispersion(squares, torch.arange(width))
        ahead = torch.stack([found.mean, found.std, surprise], dim=2).double().numpy()
        return rows[own], ahead[own]

    def statistics(self, index: Int64[np.ndarray, " rows"]) -> list[Float64[np.ndarray, " rows"]]:
        """Return what the head reads of each rating beside the process's mean, variance and surprise."""
        ratings, stats = self.ratings, self.stats
        stars, place = ratings.stars, ratings.history_length(index)
        seen, halves = place + 1.0, (stars * 2) % 2
        residual = stars - self.mean - stats.mean
        features = [*(column[index] for column in movie_statistics(stats)), np.log1p(place)]
        features.append(np.log1p(ratings.seconds_since_previous(index)))
        # One after another: together, columns of all ratings take gigabytes at full size.
        features += [ratings.history_sum((np.ceil(stars) == k).astype(float), index) for k in range(1, 6)]
        features += [ratings.history_sum(stats.log_count, index), ratings.history_sum(halves, index)]
        features[-7:] = [column / seen for column in features[-7:]]
        features.append(ratings.recent_mean(halves, 10, index))
        return features + [ratings.recent_mean(residual, count, index) for count in RECENT]


def _float(values: Float64[np.ndarray, "..."]) -> Float[Tensor, "..."]:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


class CatalogueScorer:
    """All movies as candidates, none of them rated by the person who is asked about."""

    def __init__(self, process: GaussianProcess, stats: MovieStats, content: MovieContent) -> None:
        movies, each = content.n_movies, np.arange(content.n_movies)
        unrated = RatingTable(
            offsets=np.array([0, movies]),
            movie=each,
            stars=np.full(movies, stats.mean),
            time=np.zeros(movies, np.int64),
            is_fitted=np.zeros(movies, bool),
            limit=np.array([movies]),
            rank=np.zeros(movies),
            user_id=np.zeros(1, np.int64),
        )
        known = leave_one_out_stats(stats, unrated)
        self.columns = rating_features(unrated, known, stats.mean, content, len(process.latent_factors))
        self.by_table: dict[int, CandidateCache] = {}
        self.process, self.movie = process, each
        self.effect = torch.from_numpy(stats.mean + known.mean)
        self.statistics = torch.from_numpy(np.stack(movie_statistics(known), axis=1)).float()

    @torch.inference_mode()
    def predict_candidates(
        self,
        predictor: OneStepPredictor,
        row: Int64[np.ndarray, " size"],
        movies: Int64[np.ndarray, " movies"] | None,
    ) -> CandidatePredictions:
        """Predict movies, by default all, in the place of the window's last rating.

        Args:
            predictor: over the ratings that the window names.
            row: the window.
            movies: rows of movies.
        """
        every = self.candidates_of_fold(int(predictor.columns.fold[row[-1]]))
        if movies is not None:
            every = CandidateCache(every.vectors, *(each[torch.from_numpy(movies)] for each in every[1:]))
        return self.process.predict_candidates(predictor.columns, torch.from_numpy(row), every)

    def head_inputs(
        self,
        found: CandidatePredictions,
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
        x[:, -3], x[:, -2] = found.mean, found.std**2
        x[:, -1] = log_dispersion(
            (found.standardized_residual**2).sum(), torch.tensor(len(found.standardized_residual))
        )
        return HeadInputs(movies, x, found.mean + self.effect[movies].float(), found.std)

    def candidates_of_fold(self, table: int) -> CandidateCache:
        """Return the movies by one table of tastes; made when first asked for, since most ask for few."""
        if table not in self.by_table:
            tables = torch.full_like(self.columns.fold, table)
            self.by_table[table] = self.process.precompute_candidates(self.columns._replace(fold=tables))
        return self.by_table[table]
