"""The rater as ONNX: rows of movies and stars in, predicted stars out. The file says what it reads.

``attention`` and ``transformer`` take a batch of histories with a target each; ``gp`` one history and any
number of targets (``reelgraph.app.bundle.onnx_gp``).
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

from reelgraph.app.bundle.contents import Contents
from reelgraph.app.bundle.model import rater_of
from reelgraph.core.rating_scale import from_scaled, to_scaled
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.network_rater import NeuralRater
from reelgraph.runtime.atomic_io import replacing
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.batches import Batch

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

PACKAGES = ("onnx", "onnxscript")
OUTPUTS = ("predicted", "probabilities")
Example = Mapping[str, tuple[Tensor, tuple[str, ...]]]
DIMS = ("batch", "history")
EXAMPLE: Example = {
    "history": (torch.zeros(2, 3, dtype=torch.int64), DIMS),
    "stars": (torch.full((2, 3), 3.5), DIMS),
    "mask": (torch.ones(2, 3).bool(), DIMS),
    "target": (torch.zeros(2, dtype=torch.int64), DIMS[:1]),
}
"""Inputs and their dimensions; no length of one, which torch takes for a constant."""


class Stars(nn.Module):
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
        ratings = to_scaled(stars) * mask
        return from_scaled(self.network(Batch(history * mask, ratings, mask, target)))


def write_onnx(contents: Contents, path: Path) -> None:
    """Write the rater.

    Raises:
        PackageError: onnx or onnxscript is missing.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PackageError("--onnx", f"the packages {', '.join(PACKAGES)}", f"no {missing[0]}",
                           "pip install 'reelgraph[onnx]'")  # fmt: skip
    rater = rater_of(contents)
    if isinstance(rater, GpRater):
        from reelgraph.app.bundle import onnx_gp as gp  # which imports onnxscript

        file = _exported(gp.OnePerson(rater), gp.EXAMPLE, OUTPUTS, gp.TRANSLATED)
    else:
        assert isinstance(rater, NeuralRater)
        file = _exported(Stars(rater.network), EXAMPLE, OUTPUTS[:1], {})
    with replacing(path) as draft:
        draft.write_bytes(file.SerializeToString())


def _exported(
    module: nn.Module, example: Example, outputs: tuple[str, ...], translated: dict[Any, Any]
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
