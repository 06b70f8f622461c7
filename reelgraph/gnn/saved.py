"""A trained GNN on disk: weights, shape, and loss curve."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.safetensors_io import write_tensors
from reelgraph.gnn.predictor import LinkPredictor
from reelgraph.gnn.sage import HeteroSage
from reelgraph.runtime.atomic_io import replacing, write_json, write_text


def write_model(model: HeteroSage | LinkPredictor, folder: Path | str) -> None:
    """Write ``model.safetensors`` and ``config.json``, the arguments that construct the model."""
    with replacing(folder) as draft:
        draft.mkdir()
        write_tensors(model.state_dict(), draft / "model.safetensors")
        write_json({**model.shape, "kinds": list(model.kinds)}, draft / "config.json")


def write_curve(losses: list[float], path: Path | str) -> None:
    """Write the loss of each epoch, counted from 1, as tab-separated text for ``dvc plots``."""
    _write_rows("loss", dict(enumerate(losses, 1)), path)


def write_looks(mrr: dict[int, float], path: Path | str) -> None:
    """Write the validation MRR of the epochs that were looked at."""
    _write_rows("mrr", mrr, path)


def _write_rows(name: str, values: dict[int, float], path: Path | str) -> None:
    lines = [f"{epoch}\t{value:.6f}" for epoch, value in values.items()]
    write_text("\n".join([f"epoch\t{name}", *lines]) + "\n", path)
