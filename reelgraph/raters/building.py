"""From params to a rater, and from a file back to one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.functional import normalize

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, replacing
from reelgraph.params.rater import Model
from reelgraph.raters.attention import AttentionRater
from reelgraph.raters.transformer import TransformerRater


def build(model: Model, movies: Float32[np.ndarray, "movies dim"]) -> nn.Module:
    """Make an untrained rater over frozen, L2-normalised movie vectors."""
    unit = normalize(torch.from_numpy(movies), dim=1)
    if model.type == "attention":
        return AttentionRater(unit, model.hidden_dim, model.dropout)
    return TransformerRater(unit, model.hidden_dim, model.dropout, model.layers, model.heads)


def parameters(rater: nn.Module) -> int:
    """Count the trained numbers."""
    return sum(p.numel() for p in rater.parameters())


def save(rater: nn.Module, path: Path | str) -> None:
    """Write the weights as safetensors."""
    with replacing(path) as draft:
        save_file({name: w.contiguous() for name, w in rater.state_dict().items()}, draft)


def load(model: Model, movies: Float32[np.ndarray, "movies dim"], path: Path | str) -> nn.Module:
    """Build the rater that ``model`` describes and give it the weights at ``path``.

    Raises:
        ArtifactError: the file is missing, no safetensors, or of another model.
    """
    rater = build(model, movies)
    try:
        rater.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ArtifactError(str(path), f"weights of a {model.type} rater",
                            str(error).splitlines()[0], RERUN) from error  # fmt: skip
    return rater.eval()
