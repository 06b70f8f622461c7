"""The reference's networks as ONNX: movie rows, ratings and mask in, stars out.

The Gaussian process isn't written: it factorises a matrix of the history (Cholesky), for which ONNX has no
operator, and reads statistics of the history that are computed outside of torch.
"""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reelgraph.bundle.contents import Contents
from reelgraph.bundle.model import rater_of
from reelgraph.errors import InputError, PackageError
from reelgraph.files import replacing
from reelgraph.histories.batches import Batch
from reelgraph.raters.network import Network
from reelgraph.raters.neural import NeuralRater
from reelgraph.stars import from_scaled, to_scaled

PACKAGES = ("onnx", "onnxscript")
INPUTS = ("history", "stars", "mask", "target")


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
        InputError: it is a Gaussian process.
        PackageError: onnx or onnxscript is missing.
    """
    kind = contents.config.rater.model.type
    if kind == "gp":
        raise InputError("--onnx", "a rater of type attention or transformer", "gp",
                         "ONNX has no Cholesky factorisation; load the bundle in Python.")  # fmt: skip
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PackageError("--onnx", f"the packages {', '.join(PACKAGES)}", f"no {missing[0]}",
                           "pip install 'reelgraph[onnx]'")  # fmt: skip
    rater = rater_of(contents)
    assert isinstance(rater, NeuralRater)
    with replacing(path) as draft:
        _export(Stars(rater.network.eval()), draft)


def _export(network: nn.Module, path: Path) -> None:
    # Two of each: torch takes a dimension of one for a constant.
    rows, stars, mask = torch.zeros(2, 3, dtype=torch.int64), torch.full((2, 3), 3.5), torch.ones(2, 3).bool()
    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("history", min=1)
    shapes = {name: {0: batch, 1: length} for name in INPUTS[:3]} | {"target": {0: batch}}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what torch will change one day
        torch.onnx.export(network, (rows, stars, mask, torch.zeros(2, dtype=torch.int64)), path,
                          input_names=list(INPUTS), output_names=["predicted"], dynamic_shapes=shapes,
                          dynamo=True, external_data=False, verbose=False)  # fmt: skip
