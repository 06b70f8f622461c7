"""Export of a bundle's rater to ONNX, with rows of movies and stars as inputs and predicted stars as outputs.

``attention`` and ``transformer`` take a batch of histories with one target each; ``gp`` is in ``onnx_gp.py``.
This module imports onnxscript, which the extra ``onnx`` installs.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reelgraph.app.bundle.format import BundleContents
from reelgraph.app.bundle.model import restore_bundle_rater
from reelgraph.app.bundle.onnx_gp import GP_INPUTS, GP_OUTPUTS, ExampleInputs, OnnxGaussianProcess, inverse
from reelgraph.core.rating_scale import denormalize_stars, normalize_stars
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.network_rater import NetworkRater
from reelgraph.raters.rater import Rater
from reelgraph.runtime.atomic_io import atomic_write
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.batches import Batch

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto

# No dimension has length 1, which torch.export would treat as a constant.
NETWORK_INPUTS: ExampleInputs = {
    "history": (torch.zeros(2, 3, dtype=torch.int64), ("batch", "history")),
    "stars": (torch.full((2, 3), 3.5), ("batch", "history")),
    "mask": (torch.ones(2, 3).bool(), ("batch", "history")),
    "target": (torch.zeros(2, dtype=torch.int64), ("batch",)),
}
NETWORK_OUTPUTS = ("predicted",)


class OnnxNetwork(nn.Module):
    """A network with stars as input and output, 0.5 … 5."""

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
        """Return the predicted stars of each target.

        Args:
            history: rows of movies in movies.parquet, oldest first; ignored where the mask is False.
            stars: the user's ratings, 0.5 … 5; ignored where the mask is False.
            mask: True where there is a rating; histories are padded on the left.
            target: rows of movies.
        """
        ratings = normalize_stars(stars) * mask
        return denormalize_stars(self.network(Batch(history * mask, ratings, mask, target)))


def write_onnx(contents: BundleContents, path: Path) -> None:
    """Write a bundle's rater as an ONNX file.

    Raises:
        InputError: raters of this type have no ONNX export.
    """
    model = build_model(restore_bundle_rater(contents))
    with atomic_write(path) as draft:
        draft.write_bytes(model.SerializeToString())


@singledispatch
def build_model(rater: Rater) -> ModelProto:
    """Return a rater as an ONNX model; a new class of raters registers its own function.

    Raises:
        InputError: the rater's class has no such function.
    """
    raise InputError(
        "--onnx",
        "a rater with an ONNX export",
        type(rater).__name__,
        "Export without --onnx, or register a function in reelgraph/app/bundle/onnx_export.py.",
    )


@build_model.register(NetworkRater)
def _build_network(rater: NetworkRater) -> ModelProto:
    return _export(OnnxNetwork(rater.network), NETWORK_INPUTS, NETWORK_OUTPUTS, {})


@build_model.register(GpRater)
def _build_gp(rater: GpRater) -> ModelProto:
    translations = {torch.ops.aten.linalg_inv_ex.default: inverse}
    return _export(OnnxGaussianProcess(rater), GP_INPUTS, GP_OUTPUTS, translations)


def _export(
    module: nn.Module, inputs: ExampleInputs, outputs: tuple[str, ...], translations: dict[Any, Any]
) -> ModelProto:
    """Export a module with the docstring of its ``forward``.

    Args:
        module: the module to trace.
        inputs: example inputs of ``forward``.
        outputs: names of the outputs, whose first dimension is that of the input ``target``.
        translations: ONNX functions by torch operator, for torch.onnx's ``custom_translation_table``.
    """
    dynamic_shapes = {
        name: dict.fromkeys(range(len(dims)), torch.export.Dim.DYNAMIC) for name, (_, dims) in inputs.items()
    }
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's deprecation warnings about its own code
        program = torch.onnx.export(
            module.eval(),
            tuple(tensor for tensor, _ in inputs.values()),
            dynamo=True,
            verbose=False,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=dynamic_shapes,
            custom_translation_table=translations,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    model.doc_string = inspect.getdoc(module.forward) or ""
    _remove_debug_info(model.graph)
    for value in model.graph.input:
        for dim, name in zip(value.type.tensor_type.shape.dim, inputs[value.name][1], strict=True):
            dim.dim_param = name
    for value in model.graph.output:
        value.type.tensor_type.shape.dim[0].dim_param = inputs["target"][1][0]
    return model


def _remove_debug_info(graph: GraphProto) -> None:
    """Remove the file paths and source lines that torch adds to nodes."""
    graph.ClearField("value_info")
    for node in graph.node:
        node.ClearField("metadata_props")
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _remove_debug_info(attribute.g)
