"""From ratings to the inputs of the ordinal head: one-step-ahead predictions and scores of the catalogue."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from reelgraph.core.parallel import parallel_map
from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import Gp
from reelgraph.raters.gp.kernel import N_MOVIE_FEATURES, N_NOISE_FEATURES
from reelgraph.raters.gp.leave_one_out_stats import LeaveOneOutStats, MovieStats, leave_one_out_stats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import assign_folds
from reelgraph.raters.gp.ordinal_head import (
    N_STAR_BINS,
    RECENT_HALF_STARS,
    RECENT_RESIDUALS,
    HeadFeatures,
    HeadInputs,
    HistoryFeatures,
    MovieFeatures,
    log_dispersion,
)
from reelgraph.raters.gp.rating_table import RatingTable, TargetMask, Windows, windows_ending_at
from reelgraph.raters.gp.types import CandidateCache, CandidatePredictions, RatingFeatures

CENTRAL_YEAR = 1995.0
YEAR_SCALE = 15.0
MAX_BATCH_ELEMENTS = 2**20
"""Most elements of a batch's covariance matrices. In smaller batches, threads wait for Python's lock."""
GPU_MAX_BATCH_ELEMENTS = 2**23
"""The same on a GPU, which a larger batch occupies. It takes 300 MB."""
MIN_WINDOW_ELEMENTS = 256
"""Least elements that a window counts with, as a batch also holds vectors for each window."""
SOME_DAY_S = 30 * 86_400
"""Seconds between a history and the ratings of some day. Beyond a month, predictions hardly change."""

Index = Int64[np.ndarray, " targets"]


def split_windows(length: Int64[np.ndarray, " windows"], max_elements: int) -> list[slice]:
    """Split windows into batches whose padded covariance matrices have at most ``max_elements`` together.

    A window that has more is a batch of its own.

    Args:
        length: ratings of each window, ascending.
        max_elements: of a batch.
    """
    elements = np.maximum(length**2, MIN_WINDOW_ELEMENTS)
    starts = [0]
    for end, largest in enumerate(elements.tolist(), start=1):
        if end - starts[-1] > 1 and (end - starts[-1]) * largest > max_elements:
            starts.append(end - 1)
    return [slice(*bounds) for bounds in pairwise([*starts, len(length)])]


def rating_features(
    ratings: RatingTable, stats: LeaveOneOutStats, global_mean: float, content: MovieContent, n_folds: int
) -> RatingFeatures:
    """Compute what the Gaussian process reads of each rating.

    Args:
        ratings: the ratings.
        stats: their leave-one-out statistics.
        global_mean: mean of the fitted ratings, stars.
        content: of the movies.
        n_folds: number of sets of latent factors.
    """
    year = (content.year - CENTRAL_YEAR) / YEAR_SCALE
    movie_features = np.empty((len(ratings.movie), N_MOVIE_FEATURES), np.float32)
    movie_features[:, 0] = stats.effect / 0.5
    movie_features[:, 1] = (stats.log_count - 3) / 1.5
    movie_features[:, 2] = year[ratings.movie]
    movie_features[:, 3] = (year**2 - 1)[ratings.movie]
    movie_features.clip(-4, 4, out=movie_features)
    noise_features = np.empty((len(ratings.movie), N_NOISE_FEATURES), np.float32)
    noise_features[:, 0] = 1 / (1 + stats.count)
    noise_features[:, 1] = np.log(stats.std)
    noise_features[:, 2] = stats.is_unrated
    residual = ratings.stars - global_mean - stats.effect
    return RatingFeatures(
        movie=torch.from_numpy(ratings.movie),
        is_unrated=torch.from_numpy(stats.is_unrated),
        fold=torch.from_numpy(assign_folds(ratings, n_folds)),
        rank=torch.from_numpy(ratings.rank),
        time=torch.from_numpy(ratings.time),
        movie_features=torch.from_numpy(movie_features),
        noise_features=torch.from_numpy(noise_features),
        residual=torch.from_numpy(residual.astype(np.float32)),
    )


class OneStepPredictor:
    """The fitted Gaussian process on one table of ratings."""

    def __init__(
        self,
        gp: GaussianProcess,
        stats: MovieStats,
        ratings: RatingTable,
        content: MovieContent,
        is_hidden: Bool[np.ndarray, " ratings"] | None = None,
    ) -> None:
        self.gp = gp
        self.ratings = ratings
        self.global_mean = stats.global_mean
        if is_hidden is None:
            is_hidden = np.zeros(len(ratings.movie), bool)
        self.stats = leave_one_out_stats(stats, ratings, is_hidden)
        features = rating_features(ratings, self.stats, stats.global_mean, content, gp.n_folds)
        self.features = features.to(gp.device)

    def target_inputs(self, index: Index, params: Gp) -> HeadInputs:
        """Predict targets from the nearest ratings of their histories; return what the heads read of them."""
        low, high = self.ratings.nearest_history(index, params.history_length)
        windows, is_target = windows_ending_at(index, low, high)
        return self.head_inputs(windows, is_target)

    @torch.inference_mode()
    def head_inputs(self, windows: Windows, is_target: TargetMask) -> HeadInputs:
        """Predict the targets of the windows and compute their head features, which are on the CPU.

        Args:
            windows: indices of ratings, shorter windows first; -1 is padding.
            is_target: marks each target in one window.
        """

        def predict(batch: slice) -> tuple[Int64[np.ndarray, " targets"], Float[Tensor, "targets 3"]]:
            return self._predict_batch(windows[batch], is_target[batch])

        length = (windows >= 0).sum(axis=1)
        if self.gp.device == CPU:
            parts = parallel_map(predict, split_windows(length, MAX_BATCH_ELEMENTS))
        else:
            parts = [predict(batch) for batch in split_windows(length, GPU_MAX_BATCH_ELEMENTS)]
        index = np.concatenate([part[0] for part in parts])
        order = np.argsort(index, kind="stable")
        index = index[order]
        residual_mean, std, dispersion = torch.cat([part[1] for part in parts])[
            torch.from_numpy(order)
        ].T.contiguous()
        features = HeadFeatures(
            movie=movie_features(self.stats, index),
            history=self.history_features(index),
            residual_mean=residual_mean,
            residual_variance=std**2,
            log_dispersion=dispersion,
        )
        mean = residual_mean.double().numpy() + self.global_mean + self.stats.effect[index]
        return HeadInputs(index, features.matrix(), torch.from_numpy(mean).float(), std)

    @torch.inference_mode()
    def _predict_batch(
        self, windows: Windows, is_target: TargetMask
    ) -> tuple[Int64[np.ndarray, " targets"], Float[Tensor, "targets 3"]]:
        """Return the indices of the targets; mean and std of their residuals, and the log dispersion."""
        width = int((windows >= 0).sum(axis=1).max())
        windows = windows[:, :width]
        is_target = is_target[:, :width]
        windows_on_device = torch.from_numpy(windows).to(self.gp.device)
        predictions = self.gp.predict_one_step(self.features, windows_on_device).cpu()
        square = predictions.standardized_residual**2
        dispersion = log_dispersion(torch.cumsum(square, dim=1) - square, torch.arange(width))
        columns = torch.stack([predictions.mean, predictions.std, dispersion], dim=2)
        return windows[is_target], columns[torch.from_numpy(is_target)]

    def history_features(self, index: Index, some_day: bool = False) -> HistoryFeatures:
        """Compute the head's statistics of the users' histories before ratings.

        Args:
            index: of the ratings.
            some_day: as if they were made a month later, when all of the history counts as recent.
        """
        ratings = self.ratings
        n_all = len(ratings.movie)
        recent_counts = (n_all,) * len(RECENT_RESIDUALS) if some_day else RECENT_RESIDUALS
        recent_half_stars = n_all if some_day else RECENT_HALF_STARS
        seconds = ratings.seconds_since_previous(index)
        if some_day:
            seconds = np.full_like(seconds, SOME_DAY_S)
        stars = ratings.stars
        is_fractional = (stars * 2) % 2
        residual = stars - self.global_mean - self.stats.effect
        length = ratings.history_length(index)
        # One column after another: columns of all ratings take gigabytes together at full size.
        star_fractions = [
            ratings.history_sum((np.ceil(stars) == k).astype(float), index) / (length + 1.0)
            for k in range(1, N_STAR_BINS + 1)
        ]
        recent_residuals = [ratings.recent_mean(residual, count, index) for count in recent_counts]
        columns = {
            "log_rank": np.log1p(ratings.rank[index].clip(min=0)),
            "log_seconds_since_previous": np.log1p(seconds),
            "star_fractions": np.stack(star_fractions, axis=1),
            "mean_log_count": ratings.history_sum(self.stats.log_count, index) / (length + 1.0),
            "half_star_fraction": ratings.history_sum(is_fractional, index) / (length + 1.0),
            "recent_half_star_fraction": ratings.recent_mean(is_fractional, recent_half_stars, index),
            "recent_residuals": np.stack(recent_residuals, axis=1),
        }
        return HistoryFeatures(**{name: torch.from_numpy(column) for name, column in columns.items()})


class CatalogueScorer:
    """All movies as candidates, as if unrated: the history is factorized once for all of them."""

    def __init__(self, gp: GaussianProcess, stats: MovieStats, content: MovieContent) -> None:
        n_movies = content.n_movies
        unrated = RatingTable(
            offsets=np.array([0, n_movies]),
            movie=np.arange(n_movies),
            stars=np.full(n_movies, stats.global_mean),
            time=np.zeros(n_movies, np.int64),
            is_fitted=np.zeros(n_movies, bool),
            history_cap=np.array([n_movies]),
            rank=np.zeros(n_movies),
            user_id=np.zeros(1, np.int64),
        )
        movie_stats = leave_one_out_stats(stats, unrated, np.zeros(n_movies, bool))
        self.gp = gp
        self.movies = unrated.movie
        features = rating_features(unrated, movie_stats, stats.global_mean, content, gp.n_folds)
        self.features = features.to(gp.device)
        self.movie_mean = torch.from_numpy(stats.global_mean + movie_stats.effect)
        """Mean of each movie, stars."""
        self.movie_stats = movie_stats
        self._cache: dict[int, CandidateCache] = {}

    @torch.inference_mode()
    def predict_candidates(
        self,
        predictor: OneStepPredictor,
        window: Int64[np.ndarray, " size"],
        movies: Int64[np.ndarray, " movies"] | None,
        some_day: bool = False,
    ) -> CandidatePredictions:
        """Predict movies, by default all, in place of a window's last rating.

        Args:
            predictor: on the ratings that the window indexes.
            window: indices of the history's ratings and of the target.
            movies: rows of movies.
            some_day: predict at an infinite distance from the history, where no drift is left.
        """
        candidates = self.candidates_of_fold(int(predictor.features.fold[window[-1]]))
        if movies is not None:
            candidates = candidates.select(torch.from_numpy(movies))
        ratings = torch.from_numpy(window).to(self.gp.device)
        return self.gp.predict_candidates(predictor.features, ratings, candidates, some_day)

    def head_inputs(
        self,
        predictions: CandidatePredictions,
        history: HistoryFeatures,
        movies: Int64[np.ndarray, " movies"] | None,
    ) -> HeadInputs:
        """Compute the head features of the movies, which are on the CPU.

        Args:
            predictions: of the movies, from ``predict_candidates``.
            history: features of the target's history, one row.
            movies: rows of movies; by default all.
        """
        rows = self.movies if movies is None else movies
        residual = predictions.standardized_residual.cpu()
        residual_mean = predictions.mean.cpu()
        std = predictions.std.cpu()
        features = HeadFeatures(
            movie=movie_features(self.movie_stats, rows),
            history=history,
            residual_mean=residual_mean,
            residual_variance=std**2,
            log_dispersion=log_dispersion((residual**2).sum().unsqueeze(0), len(residual)),
        )
        mean = residual_mean + self.movie_mean[torch.from_numpy(rows)].float()
        return HeadInputs(rows, features.matrix(), mean, std)

    @torch.inference_mode()
    def candidates_of_fold(self, fold: int) -> CandidateCache:
        """Return all movies with one set of latent factors; computed at the first use, as most need few."""
        if fold not in self._cache:
            features = self.features._replace(fold=torch.full_like(self.features.fold, fold))
            self._cache[fold] = self.gp.precompute_candidates(features)
        return self._cache[fold]


def movie_features(stats: LeaveOneOutStats, index: Int64[np.ndarray, " rows"]) -> MovieFeatures:
    """Return the head's statistics of the movies of ratings."""
    return MovieFeatures(
        effect=torch.from_numpy(stats.effect[index]),
        log_count=torch.from_numpy(stats.log_count[index]),
        std=torch.from_numpy(stats.std[index]),
        prior_effect=torch.from_numpy(stats.prior_effect[index]),
        is_unrated=torch.from_numpy(stats.is_unrated[index]),
    )
