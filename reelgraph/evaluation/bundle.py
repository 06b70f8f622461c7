"""What evaluate reads of the baselines and the data, and the model folder that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, read_array, replacing, write_metrics, write_text
from reelgraph.histories.arrays import FITS, Fit, Histories


@dataclass(frozen=True)
class Foretold:
    """What a baseline said of the targets, in stars."""

    val: Float[np.ndarray, " val_targets"]
    """Fitted on training rows."""
    test: dict[Fit, Float[np.ndarray, " test_targets"]]
    """By the rows that it was fitted on."""


def read_predictions(folder: str, names: Sequence[str], histories: Histories) -> dict[str, Foretold]:
    """Read each baseline's predictions of the targets.

    Raises:
        ArtifactError: a baseline's file is missing or is about other targets.
    """
    found, val, test = {}, len(histories.val), len(histories.test)
    for name in names:
        fits = {rows: _read(f"{folder}/{name}/{rows}.npy", test) for rows in FITS}
        found[name] = Foretold(_read(f"{folder}/{name}/val.npy", val), fits)
    return found


def _read(path: str, count: int) -> np.ndarray:
    found = read_array(path)
    if found.shape != (count,):
        raise ArtifactError(path, f"{count} predictions", f"shape {found.shape}", RERUN)
    return found


def read_truth(folder: str) -> dict[str, np.ndarray]:
    """Read what generated data knows of itself; empty for real data."""
    return {path.stem: read_array(path) for path in sorted(Path(folder).glob("*.npy"))}


def write_model(rater_folder: str, rows: Fit, results: Mapping[str, object], card: str, folder: str) -> None:
    """Gather the final model: weights, configuration, training history, test results and model card."""
    with replacing(folder) as draft:
        draft.mkdir()
        shutil.copyfile(Path(rater_folder) / f"{rows}.safetensors", draft / "model.safetensors")
        for name in ("config.json", "history.json"):
            shutil.copyfile(Path(rater_folder) / name, draft / name)
        write_metrics(results, draft / "test_results.json")
        write_text(card, draft / "README.md")
