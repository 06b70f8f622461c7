"""The rater of a bundle, from its weights and vectors."""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load_file

from reelgraph.bundle.contents import AGAIN, Contents
from reelgraph.errors import ArtifactError
from reelgraph.raters import neural
from reelgraph.raters.gp import rater as gp
from reelgraph.raters.rater import Rater


def rater_of(contents: Contents) -> Rater:
    """Build the rater.

    Raises:
        ArtifactError: the weights are broken, or of another rater.
    """
    config = contents.config.rater
    try:
        tensors = load_file(contents.weights)
        if config.model.type == "gp":
            return gp.restore(tensors, config.model, config.gp)
        return neural.restore(tensors, config.model, contents.vectors["graph"])
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise ArtifactError(str(contents.weights), f"weights of a {config.model.type} rater",
                            str(error).splitlines()[0], AGAIN) from error  # fmt: skip
