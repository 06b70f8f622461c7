"""The Gaussian process for ONNX: one history, any number of targets, and what it needs of each movie.

ONNX has neither Cholesky decomposition nor matrix inverse: a loop inverts the covariance of the history, one
rating per step. This module imports onnxscript, which the extra ``onnx`` installs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import onnxscript
import torch
from jaxtyping import Bool, Float, Float64, Int64
from onnxscript import opset18
from torch import Tensor, nn

from reelgraph.app.bundle.results import SET_COVERAGE
from reelgraph.core.rating_scale import smallest_set
from reelgraph.raters.gp.ordinal_head import (
    N_STAR_BINS,
    RECENT_RESIDUALS,
    HeadFeatures,
    HistoryFeatures,
    MovieFeatures,
    expected_stars,
    log_dispersion,
)
from reelgraph.raters.gp.prediction import SOME_DAY_S, movie_features
from reelgraph.raters.gp.rater import MAX_CONTEXT_LENGTH, GpRater

opset: Any = opset18
ExampleInputs = Mapping[str, tuple[Tensor, tuple[str, ...]]]
"""Example tensors by name, with the names of their dimensions."""
# No dimension has length 1, which torch.export would treat as a constant.
GP_INPUTS: ExampleInputs = {
    "history": (torch.zeros(3, dtype=torch.int64), ("history",)),
    "stars": (torch.full((3,), 3.5), ("history",)),
    "time": (torch.zeros(3, dtype=torch.int64), ("history",)),
    "target": (torch.zeros(2, dtype=torch.int64), ("targets",)),
}
GP_OUTPUTS = ("predicted", "probabilities", "prediction_set")

Ratings = Float64[Tensor, " ratings"]
Targets = Float64[Tensor, " targets"]


class OnnxGaussianProcess(nn.Module):
    """Predictions of some day for a user whose ratings the rater was not fitted on; equal to ``score``."""

    movie_mean: Float64[Tensor, " movies"]
    log_count: Float64[Tensor, " movies"]
    movie_features: Float[Tensor, "movies features"]
    factors: Float[Tensor, "movies factors"]
    prior_mean: Float[Tensor, " movies"]
    variance: Float[Tensor, " movies"]

    def __init__(self, rater: GpRater) -> None:
        super().__init__()
        scorer = rater.catalogue_scorer
        candidates = scorer.candidates_of_fold(rater.gp.n_folds - 1)
        self.gp = rater.gp
        self.heads = rater.heads
        self.history_length = MAX_CONTEXT_LENGTH - 1
        features = movie_features(scorer.movie_stats, scorer.movies)
        columns = [getattr(features, field.name) for field in fields(features)]
        self.register_buffer("movie_features", torch.stack(columns, dim=1).float())
        self.register_buffer("movie_mean", scorer.movie_mean.clone())
        self.register_buffer("log_count", features.log_count.clone())
        self.register_buffer("factors", candidates.factors.clone())
        self.register_buffer("prior_mean", candidates.prior_mean.clone())
        self.register_buffer("variance", candidates.variance.clone())

    def forward(
        self,
        history: Int64[Tensor, " ratings"],
        stars: Float[Tensor, " ratings"],
        time: Int64[Tensor, " ratings"],
        target: Int64[Tensor, " targets"],
    ) -> tuple[Float[Tensor, " targets"], Float[Tensor, "targets 10"], Bool[Tensor, "targets 10"]]:
        """Return stars, the probabilities of the half stars 0.5 … 5, and which are in the 80 % set.

        Args:
            history: rows in movies.parquet of the movies that the user rated, oldest first; may be empty.
            stars: their ratings, 0.5 … 5.
            time: when they were rated, Unix seconds; a minute apart where it is unknown.
            target: rows of movies to predict, as rated long after the history.
        """
        residual = stars.double() - _rows(self.movie_mean, history)
        mean, variance, dispersion = self._predict_residual(history, residual, time, target)
        features = HeadFeatures(
            movie=MovieFeatures(*_rows(self.movie_features, target).unbind(dim=1)),
            history=self._history_features(history, stars.double(), residual),
            residual_mean=mean,
            residual_variance=variance,
            log_dispersion=dispersion,
        )
        movie_mean = _rows(self.movie_mean, target)
        probabilities = self.heads(features.matrix(), (movie_mean + mean).float(), variance.sqrt().float())
        return expected_stars(probabilities), probabilities, smallest_set(probabilities, SET_COVERAGE)

    def _predict_residual(
        self,
        history: Int64[Tensor, " ratings"],
        residual: Ratings,
        time: Int64[Tensor, " ratings"],
        target: Int64[Tensor, " targets"],
    ) -> tuple[Targets, Targets, Float64[Tensor, "1"]]:
        """Return mean and variance of the targets' residuals, and the log dispersion of the history.

        The squares of the standardized one-step-ahead residuals sum to yᵀ K⁻¹ y: one inverse serves all.
        """
        recent = slice(-self.history_length, None)
        movie = history[recent]
        rank = torch.arange(history.shape[0])[recent]
        distances = _distances(rank, rank), _distances(time[recent], time[recent])
        K = self.gp.covariance(self._movie_covariance(movie, movie), *distances)
        K = torch.where(torch.eye(movie.shape[0]) > 0, _rows(self.variance, movie), K).double()
        k = (self._movie_covariance(movie, target) + self.gp.constant()).double()
        y = residual[recent] - _rows(self.prior_mean, movie)
        K_inverse = torch.linalg.inv_ex(K)[0]
        weights = K_inverse @ k
        mean = y @ weights + _rows(self.prior_mean, target)
        variance = _rows(self.variance, target) - (k * weights).sum(dim=0)
        squares = (y @ K_inverse * y).sum(dim=0, keepdim=True)
        return mean, variance, log_dispersion(squares, torch.full((1,), movie.shape[0]))

    def _movie_covariance(
        self, movie: Int64[Tensor, " size"], other: Int64[Tensor, " others"]
    ) -> Float[Tensor, "size others"]:
        """Return C between movies."""
        movie_covariance = _rows(self.factors, movie) @ _rows(self.factors, other).T
        weights = self.gp.shared_entities.log_weights.exp()
        for weight, name in zip(weights, self.gp.entity_block_names, strict=True):
            block = getattr(self.gp, name)
            left = _rows(block, movie)[:, None, :, None]
            right = _rows(block, other)[None, :, None, :]
            movie_covariance = movie_covariance + weight * ((left == right) & (left > 0)).sum(dim=(2, 3))
        return movie_covariance

    def _history_features(
        self, history: Int64[Tensor, " ratings"], stars: Ratings, residual: Ratings
    ) -> HistoryFeatures:
        """Return what ``OneStepPredictor.history_features`` computes for predictions of some day."""
        length = torch.full((1,), history.shape[0])
        is_half = (stars * 2) % 2

        def fraction(values: Ratings) -> Float64[Tensor, "1"]:
            return values.sum() / (length + 1.0)

        def mean(values: Ratings) -> Float64[Tensor, "1"]:
            return values.sum() / length.clamp(min=1)

        bins = [fraction((torch.ceil(stars) == k).double()) for k in range(1, N_STAR_BINS + 1)]
        return HistoryFeatures(
            log_rank=torch.log1p(length.double()),
            log_seconds_since_previous=torch.full((1,), math.log1p(SOME_DAY_S)).double(),
            star_fractions=torch.stack(bins, dim=1),
            mean_log_count=fraction(_rows(self.log_count, history)),
            half_star_fraction=fraction(is_half),
            recent_half_star_fraction=mean(is_half),
            recent_residuals=torch.stack([mean(residual)] * len(RECENT_RESIDUALS), dim=1),
        )


def _rows(table: Tensor, rows: Int64[Tensor, " n"]) -> Tensor:
    # Indexing by brackets would be exported as GatherND with a copy of the table per use.
    return table.index_select(0, rows)


def _distances(
    values: Int64[Tensor, " size"], others: Int64[Tensor, " others"]
) -> Float[Tensor, "size others"]:
    return (values[:, None] - others).abs().float()


@onnxscript.script(default_opset=opset)
def inverse(matrix: onnxscript.DOUBLE["n", "n"]) -> tuple[onnxscript.DOUBLE["n", "n"], onnxscript.INT64]:  # type: ignore[type-arg, name-defined]
    """Invert a positive definite matrix by Gauss-Jordan steps: M − (column − e)(row + e) / pivot."""
    identity = opset.EyeLike(matrix)
    for i in range(opset.Squeeze(opset.Shape(matrix, start=0, end=1))):
        index = opset.Reshape(i, opset.Constant(value_ints=[1]))
        unit_row = opset.Gather(identity, index)
        unit_column = opset.Transpose(unit_row)
        row = opset.Gather(matrix, index)
        column = opset.Gather(matrix, index, axis=1)
        pivot = opset.Gather(row, index, axis=1)
        step = opset.Mul(opset.Sub(column, unit_column), opset.Div(opset.Add(row, unit_row), pivot))
        matrix = opset.Sub(matrix, step)
    return matrix, opset.Constant(value_int=0)
