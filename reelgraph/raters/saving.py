"""From fitted raters to data/rater/; ``reelgraph.raters.loading`` is the way back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from reelgraph.params.rater import RaterParams
from reelgraph.raters.fitting import Fitted
from reelgraph.runtime.atomic_io import replacing, write_json


def write_fitted(fitted: Fitted, params: RaterParams, folder: Path | str) -> None:
    """Write both raters' weights, what they belong to, and how the first was fitted."""
    epochs: list[Any] = [asdict(epoch) for epoch in fitted.epochs]
    with replacing(folder) as draft:
        draft.mkdir()
        fitted.train.save(draft / "train.safetensors")
        fitted.train_val.save(draft / "train_val.safetensors")
        write_json(params.model_dump(include={"model", "gp"}), draft / "config.json")
        write_json({"best_epoch": fitted.best_epoch, "epochs": epochs}, draft / "history.json")
