"""The rater as ONNX: rows of movies and stars in, predicted stars out. The file says what it reads.

``attention`` and ``transformer`` take a batch of histories with a target each; ``gp`` one history and any
number of targets (``reelgraph.app.bundle.onnx_export``).
"""

from __future__ import annotations

import importlib.util
import inspect
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reelgraph.app.bundle.format import BundleContents
from reelgraph.app.bundle.model import load_rater
from reelgraph.core.rating_scale import denormalize_stars, normalize_stars
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.network_rater import NetworkRater
from reelgraph.runtime.atomic_io import atomic_write
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.batches import Batch

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto


import onnxscript
from jaxtyping import Float64
from onnxscript import opset18

from reelgraph.raters.gp.kernel import Distances
from reelgraph.raters.gp.ordinal_head import (
    N_STAR_BINS,
    RECENT_HALF_STARS,
    RECENT_RESIDUALS,
    HeadFeatures,
    HistoryFeatures,
    MovieFeatures,
    expected_stars,
    log_dispersion,
)
from reelgraph.raters.gp.prediction import movie_features

PACKAGES = ("onnx", "onnxscript")
OUTPUTS = ("predicted", "probabilities")
ExampleInputs = Mapping[str, tuple[Tensor, tuple[str, ...]]]
DIMS = ("batch", "history")
NETWORK_INPUTS: ExampleInputs = {
    "history": (torch.zeros(2, 3, dtype=torch.int64), DIMS),
    "stars": (torch.full((2, 3), 3.5), DIMS),
    "mask": (torch.ones(2, 3).bool(), DIMS),
    "target": (torch.zeros(2, dtype=torch.int64), DIMS[:1]),
}
"""Inputs and their dimensions; no length of one, which torch takes for a constant."""


class OnnxNetwork(nn.Module):
    """A network that takes and gives stars."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        history: Int64[Tensor, "batch history"],
        stars: Float[Tensor, "batch history"],
        mask: Bool[Tensor, "batch history"],
        target: Int64[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Return the stars predicted of each target.

        Args:
            history: rows of movies in movies.parquet, oldest first; anything where the mask is False.
            stars: what was given, 0.5 … 5.
            mask: True where there is a rating; ratings stand at the row's end.
            target: rows of movies.
        """
        ratings = normalize_stars(stars) * mask
        return denormalize_stars(self.network(Batch(history * mask, ratings, mask, target)))


def write_onnx(contents: BundleContents, path: Path) -> None:
    """Write the rater.

    Raises:
        PackageError: onnx or onnxscript is missing.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PackageError("--onnx", f"the packages {', '.join(PACKAGES)}", f"no {missing[0]}",
                           "pip install 'reelgraph[onnx]'")  # fmt: skip
    rater = load_rater(contents)
    if isinstance(rater, GpRater):
        from reelgraph.app.bundle import onnx_export as gp  # which imports onnxscript

        file = _exported(gp.OnnxGaussianProcess(rater), gp.GP_INPUTS, OUTPUTS, gp.CUSTOM_TRANSLATIONS)
    else:
        assert isinstance(rater, NetworkRater)
        file = _exported(OnnxNetwork(rater.network), NETWORK_INPUTS, OUTPUTS[:1], {})
    with atomic_write(path) as draft:
        draft.write_bytes(file.SerializeToString())


def _exported(
    module: nn.Module, example: ExampleInputs, outputs: tuple[str, ...], translated: dict[Any, Any]
) -> ModelProto:
    """Return a module and its documentation as ONNX, without the paths and lines that torch puts in."""
    shapes = {
        name: dict.fromkeys(range(len(dims)), torch.export.Dim.DYNAMIC) for name, (_, dims) in example.items()
    }
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what torch will change one day
        program = torch.onnx.export(
            module.eval(), tuple(tensor for tensor, _ in example.values()), dynamo=True, verbose=False,
            input_names=list(example), output_names=list(outputs), dynamic_shapes=shapes,
            custom_translation_table=translated,
        )  # fmt: skip
    assert program is not None
    file = program.model_proto
    file.doc_string = inspect.getdoc(module.forward) or ""
    _strip(file.graph)
    for value in file.graph.input:
        for dim, name in zip(value.type.tensor_type.shape.dim, example[value.name][1], strict=True):
            dim.dim_param = name
    for value in file.graph.output:
        value.type.tensor_type.shape.dim[0].dim_param = example["target"][1][0]
    return file


def _strip(graph: GraphProto) -> None:
    graph.ClearField("value_info")
    for node in graph.node:
        node.ClearField("metadata_props")
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _strip(attribute.g)


opset: Any = opset18
GP_INPUTS = {
    "history": (torch.zeros(3, dtype=torch.int64), ("history",)),
    "stars": (torch.full((3,), 3.5), ("history",)),
    "time": (torch.zeros(3, dtype=torch.int64), ("history",)),
    "target": (torch.zeros(2, dtype=torch.int64), ("targets",)),
}
"""Inputs and their dimensions."""

Ratings = Float64[Tensor, " ratings"]
Targets = Float64[Tensor, " targets"]


class OnnxGaussianProcess(nn.Module):
    """Predictions for a user whose ratings the rater was not fitted on; equal to its ``predict``."""

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
        self.history_length = rater.params.context_length - 1
        features = movie_features(scorer.movie_stats, scorer.movies)
        columns = [features.effect, features.log_count, features.std, features.prior_effect]
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
    ) -> tuple[Float[Tensor, " targets"], Float[Tensor, "targets 10"]]:
        """Return stars, and the probabilities of the half stars 0.5 … 5.

        Args:
            history: rows in movies.parquet of the movies that the user rated, oldest first; may be empty.
            stars: their ratings, 0.5 … 5.
            time: when they were rated, Unix seconds; a minute apart where it is unknown.
            target: rows of movies to predict, each as the next rating at the last rating's time.
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
        return expected_stars(probabilities), probabilities

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
        rank = torch.arange(len(history))[recent]
        K = self._covariance(movie, movie, _distances(rank, rank), _distances(time[recent], time[recent]))
        K = torch.where(torch.eye(len(movie)) > 0, _rows(self.variance, movie), K).double()
        target_rank = torch.full((1,), len(history))
        target_time = torch.cat([torch.zeros(1, dtype=torch.int64), time])[-1:]
        k = self._covariance(
            movie, target, _distances(rank, target_rank), _distances(time[recent], target_time)
        ).double()
        y = residual[recent] - _rows(self.prior_mean, movie)
        K_inverse = torch.linalg.inv_ex(K)[0]
        weights = K_inverse @ k
        mean = y @ weights + _rows(self.prior_mean, target)
        variance = _rows(self.variance, target) - (k * weights).sum(dim=0)
        squares = (y @ K_inverse * y).sum(dim=0, keepdim=True)
        return mean, variance, log_dispersion(squares, torch.full((1,), len(movie)))

    def _covariance(
        self, movie: Int64[Tensor, " size"], other: Int64[Tensor, " others"], rank: Distances, time: Distances
    ) -> Float[Tensor, "size others"]:
        """Return the kernel between the ratings of movies."""
        movie_covariance = _rows(self.factors, movie) @ _rows(self.factors, other).T
        weights = self.gp.shared_entities.log_weights.exp()
        for weight, name in zip(weights, self.gp.entity_block_names, strict=True):
            block = getattr(self.gp, name)
            left = _rows(block, movie)[:, None, :, None]
            right = _rows(block, other)[None, :, None, :]
            movie_covariance = movie_covariance + weight * ((left == right) & (left > 0)).sum(dim=(2, 3))
        return self.gp.covariance(movie_covariance, rank, time)

    def _history_features(
        self, history: Int64[Tensor, " ratings"], stars: Ratings, residual: Ratings
    ) -> HistoryFeatures:
        """Return what ``OneStepPredictor.history_features`` computes, of one history."""
        length = torch.full((1,), len(history))
        is_half = (stars * 2) % 2
        age = length - 1 - torch.arange(len(history))

        def mean(values: Ratings) -> Float64[Tensor, "1"]:
            return values.sum() / (length + 1.0)

        def recent_mean(values: Ratings, count: int) -> Float64[Tensor, "1"]:
            return (values * (age < count)).sum() / length.clamp(1, count)

        bins = [mean((torch.ceil(stars) == k).double()) for k in range(1, N_STAR_BINS + 1)]
        residuals = [recent_mean(residual, count) for count in RECENT_RESIDUALS]
        return HistoryFeatures(
            log_length=torch.log1p(length.double()),
            log_seconds_since_previous=torch.zeros(1).double(),
            star_fractions=torch.stack(bins, dim=1),
            mean_log_count=mean(_rows(self.log_count, history)),
            half_star_fraction=mean(is_half),
            recent_half_star_fraction=recent_mean(is_half, RECENT_HALF_STARS),
            recent_residuals=torch.stack(residuals, dim=1),
        )


def _rows(table: Tensor, at: Int64[Tensor, " n"]) -> Tensor:
    # Brackets would be written as GatherND, with a copy of the table for each.
    return table.index_select(0, at)


def _distances(
    values: Int64[Tensor, " size"], others: Int64[Tensor, " others"]
) -> Float[Tensor, "size others"]:
    return (values[:, None] - others).abs().float()


@onnxscript.script(default_opset=opset)
def inverse(matrix: onnxscript.DOUBLE["n", "n"]) -> tuple[onnxscript.DOUBLE["n", "n"], onnxscript.INT64]:  # type: ignore[type-arg, name-defined]
    """Invert a positive definite matrix by Gauss-Jordan steps: M − (column − e)(row + e) / pivot."""
    identity = opset.EyeLike(matrix)
    for i in range(opset.Squeeze(opset.Shape(matrix, start=0, end=1))):
        at = opset.Reshape(i, opset.Constant(value_ints=[1]))
        unit, row, column = (
            opset.Gather(identity, at),
            opset.Gather(matrix, at),
            opset.Gather(matrix, at, axis=1),
        )
        upright, pivot = opset.Transpose(unit), opset.Gather(row, at, axis=1)
        matrix = opset.Sub(
            matrix, opset.Mul(opset.Sub(column, upright), opset.Div(opset.Add(row, unit), pivot))
        )
    return matrix, opset.Constant(value_int=0)


CUSTOM_TRANSLATIONS = {torch.ops.aten.linalg_inv_ex.default: inverse}
"""What torch's exporter is told beside what it knows."""
