"""A trained GNN on disk: weights, shape, and loss curve."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from reelgraph.files import replacing, write_json, write_text
from reelgraph.gnn.sage import HeteroSage


def write_model(model: HeteroSage, folder: Path | str) -> None:
    """Write ``model.safetensors`` and ``config.json``, the arguments that construct the model."""
    with replacing(folder) as draft:
        draft.mkdir()
        save_file(model.state_dict(), draft / "model.safetensors", metadata={"format": "pt"})
        write_json({**model.shape, "kinds": list(model.kinds)}, draft / "config.json")


def write_curve(losses: list[float], path: Path | str) -> None:
    """Write the loss of each epoch, counted from 1, as tab-separated text for ``dvc plots``."""
    lines = [f"{epoch}\t{loss:.6f}" for epoch, loss in enumerate(losses, 1)]
    write_text("\n".join(["epoch\tloss", *lines]) + "\n", path)
