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


import numpy as np
import onnxscript
from jaxtyping import Float64
from onnxscript import opset18

from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.raters.gp.kernel import Between
from reelgraph.raters.gp.prediction import RECENT, log_dispersion

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
    """What the rater says to somebody whom it was not fitted on; equal to its ``predict``."""

    effect: Float64[Tensor, " movies"]
    log_count: Float64[Tensor, " movies"]
    statistics: Float[Tensor, "movies statistics"]
    factors: Float[Tensor, "movies dim"]
    level: Float[Tensor, " movies"]
    variance: Float[Tensor, " movies"]

    def __init__(self, rater: GpRater) -> None:
        super().__init__()
        scorer = rater.catalogue_scorer
        each = scorer.candidates_of_fold(len(rater.gp.latent_factors) - 1)
        self.process, self.heads, self.seen = rater.gp, rater.heads, rater.params.context_length - 1
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
        return probabilities @ codes_to_stars(torch.arange(1, 11).float()), probabilities

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
        surprise = log_dispersion(squares, torch.full((1,), len(movie)))
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
