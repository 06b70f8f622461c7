"""What evaluate reads of the baselines and the data, and the model folder that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import HIGHEST, LOWEST
from reelgraph.runtime.atomic_io import read_array, replacing, write_metrics, write_text
from reelgraph.schemas.violations import Violations
from reelgraph.sequences.arrays import FITS, Fit, Histories

TRUTH = ("movie_id", "factors", "movie_mean", "prior_variance", "drift_per_day", "noise_sd", "user_id",
         "offsets", "rating_mean")  # fmt: skip
"""Arrays of ``reelgraph.sources.demo.make.DemoData.truth``."""


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
    found, wrong = read_array(path), Violations(path)
    wrong.that(found.shape == (count,) and found.dtype == np.float64,
               f"{found.dtype} of shape {found.shape} instead of {count:,} predictions")  # fmt: skip
    wrong.refuse()
    # A NaN is in no range.
    wrong.rows(~((found >= LOWEST) & (found <= HIGHEST)), "prediction outside the scale", found)
    wrong.refuse()
    return found


def read_truth(folder: str) -> dict[str, np.ndarray]:
    """Read what generated data knows of itself; empty for real data.

    Raises:
        ArtifactError: some of it is missing, or holds other than finite numbers.
    """
    found, wrong = {p.stem: read_array(p) for p in sorted(Path(folder).glob("*.npy"))}, Violations(folder)
    for name, array in found.items():
        finite = array.dtype.kind in "if" and bool(np.isfinite(array).all())
        wrong.that(finite, f"{name}.npy not finite numbers")
    lacking = sorted(set(TRUTH) - set(found))
    wrong.that(not found or not lacking, f"no {', '.join(lacking)}")
    wrong.refuse()
    return found


def write_model(rater_folder: str, rows: Fit, results: Mapping[str, object], card: str, folder: str) -> None:
    """Gather the final model: weights, configuration, training history, test results and model card."""
    with replacing(folder) as draft:
        draft.mkdir()
        shutil.copyfile(Path(rater_folder) / f"{rows}.safetensors", draft / "model.safetensors")
        for name in ("config.json", "history.json"):
            shutil.copyfile(Path(rater_folder) / name, draft / name)
        write_metrics(results, draft / "test_results.json")
        write_text(card, draft / "README.md")
