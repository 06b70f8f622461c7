"""What evaluate reads of the baselines and the data, and the model folder that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.raters.rater import Prediction, Rater
from reelgraph.runtime.atomic_io import RERUN_HINT, atomic_write, read_array, write_metrics, write_text
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.artifacts import Violations
from reelgraph.schemas.records import PREDICTION_SCHEMA, read_predictions
from reelgraph.sequences.dataset import FITS, Fit, UserHistories, star_ratings

TRUTH = ("movie_id", "factors", "movie_mean", "prior_variance", "drift_per_day", "noise_sd", "user_id",
         "offsets", "rating_mean")  # fmt: skip
"""Arrays of ``reelgraph.sources.demo.generate.DemoData.truth``."""


@dataclass(frozen=True)
class BaselinePredictions:
    """What a baseline said of the targets, in stars."""

    val: Float[np.ndarray, " val_targets"]
    """Fitted on training rows."""
    test: dict[Fit, Float[np.ndarray, " test_targets"]]
    """By the rows that it was fitted on."""


def read_baseline_predictions(
    folder: str, names: Sequence[str], histories: UserHistories
) -> dict[str, BaselinePredictions]:
    """Read each baseline's predictions of the targets.

    Raises:
        ArtifactError: a baseline's file is missing or is about other targets.
    """
    found, val, test = {}, len(histories.val), len(histories.test)
    for name in names:
        fits = {rows: _read(f"{folder}/{name}/{rows}.npy", test) for rows in FITS}
        found[name] = BaselinePredictions(_read(f"{folder}/{name}/val.npy", val), fits)
    return found


def _read(path: str, count: int) -> np.ndarray:
    found, wrong = read_array(path), Violations(path)
    wrong.check(found.shape == (count,) and found.dtype == np.float64,
               f"{found.dtype} of shape {found.shape} instead of {count:,} predictions")  # fmt: skip
    wrong.raise_if_any()
    # A NaN is in no range.
    wrong.check_rows(~((found >= MIN_STARS) & (found <= MAX_STARS)), "prediction outside the scale", found)
    wrong.raise_if_any()
    return found


def read_truth(folder: str) -> dict[str, np.ndarray]:
    """Read what generated data knows of itself; empty for real data.

    Raises:
        ArtifactError: some of it is missing, or holds other than finite numbers.
    """
    found, wrong = {p.stem: read_array(p) for p in sorted(Path(folder).glob("*.npy"))}, Violations(folder)
    for name, array in found.items():
        finite = array.dtype.kind in "if" and bool(np.isfinite(array).all())
        wrong.check(finite, f"{name}.npy not finite numbers")
    lacking = sorted(set(TRUTH) - set(found))
    wrong.check(not found or not lacking, f"no {', '.join(lacking)}")
    wrong.raise_if_any()
    return found


def write_model(rater_folder: str, rows: Fit, results: Mapping[str, object], card: str, folder: str) -> None:
    """Gather the final model: weights, configuration, training history, test results and model card."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        shutil.copyfile(Path(rater_folder) / f"{rows}.safetensors", draft / "model.safetensors")
        for name in ("config.json", "history.json"):
            shutil.copyfile(Path(rater_folder) / name, draft / name)
        write_metrics(results, draft / "test_results.json")
        write_text(card, draft / "README.md")


def predict_targets(
    raters: Mapping[Fit, Rater], histories: UserHistories
) -> tuple[Prediction, dict[Fit, Prediction]]:
    """Predict the validation targets, fitted on training rows, and the test targets by either fit.

    Both of the first fit in one go, so that gp reads a person's history once for them.
    """
    index = dict.fromkeys(raters, histories.test)
    index["train"] = np.concatenate([histories.val, histories.test])
    said = {rows: rater.predict(histories, histories.fit_end(rows), index[rows])
            for rows, rater in raters.items()}  # fmt: skip
    val, said["train"] = _parted(said["train"], len(histories.val))
    return val, said


def _parted(said: Prediction, first: int) -> tuple[Prediction, Prediction]:
    parts = slice(first), slice(first, None)
    codes = said.probabilities
    head, tail = (Prediction(said.stars[p], None if codes is None else codes[p]) for p in parts)
    return head, tail


def prediction_table(
    histories: UserHistories,
    predicted: Float[np.ndarray, "targets"],
    movie_id: Int64[np.ndarray, "movies"],
) -> pa.Table:
    """Return userId, movieId, rating and prediction (stars) of each test target, in user order."""
    index = histories.test
    return pa.table(
        {
            "userId": histories.user_id[histories.users_of(index)],
            "movieId": movie_id[histories.movie_row[index]],
            "rating": star_ratings(histories, index),
            "prediction": predicted,
        },
        schema=PREDICTION_SCHEMA,
    )


def read_test_predictions(path: str, histories: UserHistories) -> Float[np.ndarray, "targets"]:
    """Return the predictions of the test targets, in stars.

    Raises:
        ArtifactError: the file is missing or is about other targets.
    """
    found = read_predictions(path)
    user = histories.user_id[histories.users_of(histories.test)]
    if not np.array_equal(found["userId"].to_numpy(), user):
        raise ArtifactError(path, f"predictions of {len(user)} test targets", "others", RERUN_HINT)
    return found["prediction"].to_numpy()
