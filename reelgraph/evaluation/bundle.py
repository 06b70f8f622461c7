"""What evaluate reads of the baselines and the data, and the model folder that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, read_array, replacing, write_metrics
from reelgraph.histories.arrays import FITS, Fit


def read_predictions(folder: str, names: Sequence[str], count: int) -> dict[str, dict[Fit, np.ndarray]]:
    """Read each baseline's predictions of the ``count`` test targets by either fit, in stars.

    Raises:
        ArtifactError: a baseline's file is missing or is about other targets.
    """
    return {name: {rows: _read(f"{folder}/{name}/{rows}.npy", count) for rows in FITS} for name in names}


def _read(path: str, count: int) -> np.ndarray:
    found = read_array(path)
    if found.shape != (count,):
        raise ArtifactError(path, f"{count} predictions", f"shape {found.shape}", RERUN)
    return found


def read_truth(folder: str) -> dict[str, np.ndarray]:
    """Read what generated data knows of itself; empty for real data."""
    return {path.stem: read_array(path) for path in sorted(Path(folder).glob("*.npy"))}


def write_model(rater_folder: str, rows: str, results: Mapping[str, object], folder: str) -> None:
    """Gather the final model: weights, configuration, training history and test results."""
    with replacing(folder) as draft:
        draft.mkdir()
        shutil.copyfile(Path(rater_folder) / f"{rows}.safetensors", draft / "model.safetensors")
        for name in ("config.json", "history.json"):
            shutil.copyfile(Path(rater_folder) / name, draft / name)
        write_metrics(results, draft / "test_results.json")
