"""The Gaussian process as ONNX: one person's history and some movies in, stars and probabilities out.

Kernel and heads are those of ``reelgraph.raters.gp``; what they need of a movie stands in tables in the file.
ONNX has neither Cholesky nor inverse: the history's covariance is inverted by a loop, a rating a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxscript
import torch
from jaxtyping import Float, Float64, Int64
from onnxscript import opset18
from torch import Tensor, nn

from reelgraph.core.rating_scale import from_codes
from reelgraph.raters.gp.inputs import RECENT, how_surprised
from reelgraph.raters.gp.kernel import Between
from reelgraph.raters.gp.rater import GpRater

op: Any = opset18
EXAMPLE = {
    "history": (torch.zeros(3, dtype=torch.int64), ("history",)),
    "stars": (torch.full((3,), 3.5), ("history",)),
    "time": (torch.zeros(3, dtype=torch.int64), ("history",)),
    "target": (torch.zeros(2, dtype=torch.int64), ("targets",)),
}
"""Inputs and their dimensions."""

Ratings = Float64[Tensor, " ratings"]
Targets = Float64[Tensor, " targets"]


class OnePerson(nn.Module):
    """What the rater says to somebody whom it was not fitted on; equal to its ``predict``."""

    effect: Float64[Tensor, " movies"]
    log_count: Float64[Tensor, " movies"]
    statistics: Float[Tensor, "movies statistics"]
    factors: Float[Tensor, "movies dim"]
    level: Float[Tensor, " movies"]
    variance: Float[Tensor, " movies"]

    def __init__(self, rater: GpRater) -> None:
        super().__init__()
        scorer = rater.scorer
        each = scorer.candidates(len(rater.process.tastes) - 1)
        self.process, self.heads, self.seen = rater.process, rater.heads, rater.params.window - 1
        log_count = torch.from_numpy(np.log1p(rater.stats.count))
        for name, table in {
            "effect": scorer.effect, "log_count": log_count, "statistics": scorer.statistics,
            "factors": each.factors, "level": each.level, "variance": each.variance,
        }.items():  # fmt: skip
            self.register_buffer(name, table.clone())

    def forward(
        self,
        history: Int64[Tensor, " ratings"],
        stars: Float[Tensor, " ratings"],
        time: Int64[Tensor, " ratings"],
        target: Int64[Tensor, " targets"],
    ) -> tuple[Float[Tensor, " targets"], Float[Tensor, "targets 10"]]:
        """Return stars, and the probabilities of the half stars 0.5 … 5.

        Args:
            history: rows in movies.parquet of the movies that the person rated, oldest first; may be empty.
            stars: what was given, 0.5 … 5.
            time: when, Unix seconds; a minute apart where it isn't known.
            target: rows of movies that aren't in the history, each to be rated next, at the last one's time.
        """
        residual = stars.double() - _rows(self.effect, history)
        above, variance, surprise = self._ahead(history, residual, time, target)
        same = torch.cat([self._about(history, stars.double(), residual), surprise]).float()
        same = same.expand(len(target), -1)
        process = torch.stack([above, variance], dim=1).float()
        x = torch.cat([_rows(self.statistics, target), same[:, :-1], process, same[:, -1:]], dim=1)
        mean, spread = (_rows(self.effect, target) + above).float(), variance.sqrt().float()
        probabilities = torch.stack([head(x, mean, spread).exp() for head in self.heads]).mean(dim=0)
        return probabilities @ from_codes(torch.arange(1, 11).float()), probabilities

    def _ahead(
        self,
        history: Int64[Tensor, " ratings"],
        residual: Ratings,
        time: Int64[Tensor, " ratings"],
        target: Int64[Tensor, " targets"],
    ) -> tuple[Targets, Targets, Float64[Tensor, "1"]]:
        """Return mean over the movies' effects, its variance, and how much worse than foreseen the past was.

        The squares of all one-step-ahead surprises sum to r K⁻¹ r: one inverse serves all three.
        """
        rank = torch.arange(len(history))
        movie, over, at, rank = (each[-self.seen :] for each in (history, residual, time, rank))
        past = self._covariance(movie, movie, _apart(rank, rank), _apart(at, at))
        past = torch.where(torch.eye(len(movie)) > 0, _rows(self.variance, movie), past).double()
        after, now = torch.full((1,), len(history)), torch.cat([torch.zeros(1, dtype=torch.int64), time])[-1:]
        cross = self._covariance(movie, target, _apart(rank, after), _apart(at, now)).double()
        inverse, over = torch.linalg.inv_ex(past)[0], over - _rows(self.level, movie)
        weights = inverse @ cross
        variance = _rows(self.variance, target) - (cross * weights).sum(dim=0)
        squares = (over @ inverse * over).sum(dim=0, keepdim=True)
        surprise = how_surprised(squares, torch.full((1,), len(movie)))
        return over @ weights + _rows(self.level, target), variance, surprise

    def _covariance(
        self, movie: Int64[Tensor, " size"], other: Int64[Tensor, " others"], rank: Between, time: Between
    ) -> Float[Tensor, "size others"]:
        taste = _rows(self.factors, movie) @ _rows(self.factors, other).T
        for i, weight in enumerate(self.process.same.exp()):
            block = getattr(self.process, f"block_{i}")
            mine, theirs = _rows(block, movie)[:, None, :, None], _rows(block, other)[None, :, None, :]
            taste = taste + weight * ((mine == theirs) & (mine > 0)).sum(dim=(2, 3))
        return self.process.covariance(taste, rank, time)

    def _about(
        self, history: Int64[Tensor, " ratings"], stars: Ratings, residual: Ratings
    ) -> Float64[Tensor, " statistics"]:
        """Return what the heads read of the person; the order is that of ``Predictor``."""
        seen = torch.full((1,), len(history))
        halves, last = (stars * 2) % 2, seen - 1 - torch.arange(len(history))
        shares = [(torch.ceil(stars) == k).double() for k in range(1, 6)]
        shares += [_rows(self.log_count, history), halves]
        recent = [(halves, 10)] + [(residual, count) for count in RECENT]
        means = [(each * (last < n)).sum() / seen.clamp(1, n) for each, n in recent]
        return torch.cat(
            [torch.log1p(seen.double()), torch.zeros(1).double()]
            + [each.sum() / (seen + 1.0) for each in shares] + means
        )  # fmt: skip


def _rows(table: Tensor, at: Int64[Tensor, " n"]) -> Tensor:
    # Brackets would be written as GatherND, with a copy of the table for each.
    return table.index_select(0, at)


def _apart(values: Int64[Tensor, " size"], others: Int64[Tensor, " others"]) -> Float[Tensor, "size others"]:
    return (values[:, None] - others).abs().float()


@onnxscript.script(default_opset=op)
def inverse(matrix: onnxscript.DOUBLE["n", "n"]) -> tuple[onnxscript.DOUBLE["n", "n"], onnxscript.INT64]:  # type: ignore[type-arg, name-defined]
    """Invert a positive definite matrix by Gauss-Jordan steps: M − (column − e)(row + e) / pivot."""
    identity = op.EyeLike(matrix)
    for i in range(op.Squeeze(op.Shape(matrix, start=0, end=1))):
        at = op.Reshape(i, op.Constant(value_ints=[1]))
        unit, row, column = op.Gather(identity, at), op.Gather(matrix, at), op.Gather(matrix, at, axis=1)
        upright, pivot = op.Transpose(unit), op.Gather(row, at, axis=1)
        matrix = op.Sub(matrix, op.Mul(op.Sub(column, upright), op.Div(op.Add(row, unit), pivot)))
    return matrix, op.Constant(value_int=0)


TRANSLATED = {torch.ops.aten.linalg_inv_ex.default: inverse}
"""What torch's exporter is told beside what it knows."""
