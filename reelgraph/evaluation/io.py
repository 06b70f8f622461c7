"""Predictions of the targets: computed by the rater, read from files, and the data behind the evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int64

from reelgraph.core.metrics import rmse
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.core.schemas.artifacts import Violations
from reelgraph.core.schemas.movies import read_source_movie_ids
from reelgraph.core.schemas.records import PREDICTION_SCHEMA, read_source_user_ids
from reelgraph.core.target_rows import write_target_rows
from reelgraph.raters.rater import Prediction, Rater
from reelgraph.runtime.atomic_io import read_array, write_parquet
from reelgraph.sequences.dataset import FITS, Fit, UserHistories, star_ratings

TRUTH_ARRAYS = (
    "movie_id", "factors", "movie_mean", "prior_variance", "drift_per_day", "noise_sd", "user_id", "offsets",
    "rating_mean",
)  # fmt: skip
"""Arrays of ``reelgraph.sources.demo.generate.DemoData.truth``."""


@dataclass(frozen=True)
class ModelPredictions:
    """Predictions of a model, in stars."""

    val: Float[np.ndarray, " val_targets"]
    """Of the validation targets, by the model that was fitted on training rows."""
    test: dict[Fit, Float[np.ndarray, " test_targets"]]
    """Of the test targets, by the rows that the model was fitted on."""


def best_baseline(histories: UserHistories, baselines: Mapping[str, ModelPredictions]) -> str:
    """Return the name of the baseline with the lowest validation RMSE."""
    actual = star_ratings(histories, histories.val)
    return min(baselines, key=lambda name: (rmse(actual, baselines[name].val), name))


def predict_targets(
    raters: Mapping[Fit, Rater], histories: UserHistories
) -> tuple[Prediction, dict[Fit, Prediction]]:
    """Predict the validation targets by the ``train`` rater, and the test targets by each rater.

    The ``train`` rater predicts both in one call, so that a GP reads each user's history once.
    """
    index = dict.fromkeys(raters, histories.test)
    index["train"] = np.concatenate([histories.val, histories.test])
    predictions = {
        rows: rater.predict(histories, histories.fit_end(rows), index[rows]) for rows, rater in raters.items()
    }
    n_val = len(histories.val)
    val = predictions["train"].select(slice(n_val))
    predictions["train"] = predictions["train"].select(slice(n_val, None))
    return val, predictions


def prediction_table(
    histories: UserHistories,
    predicted: Float[np.ndarray, "targets"],
    movie_id: Int64[np.ndarray, "movies"],
) -> pa.Table:
    """Return userId, movieId, rating and prediction (stars) of each test target, in user order."""
    columns = target_columns(histories, movie_id, {"predicted": predicted})
    return pa.table(list(columns.values()), schema=PREDICTION_SCHEMA)


def write_predictions(
    histories: UserHistories,
    predicted: Float[np.ndarray, "targets"],
    movie_id: Int64[np.ndarray, "movies"],
) -> None:
    """Write data/predictions.parquet, and the targets that two commits compare to plots/predictions.tsv.

    The former has sourceUserId and sourceMovieId where the ids of the source are text.
    """
    columns = target_columns(histories, movie_id, {"predicted": predicted})
    write_target_rows(columns, 2, "plots/predictions.tsv")
    predictions = prediction_table(histories, predicted, movie_id)
    user_ids = read_source_user_ids("data/sequences")
    movie_ids = read_source_movie_ids("data/movies.parquet")
    for name, ids in {"user": user_ids, "movie": movie_ids}.items():
        if ids is not None:
            row = pc.index_in(predictions[f"{name}Id"], ids[f"{name}_id"].combine_chunks())
            column = ids[f"source_{name}_id"].take(row)
            predictions = predictions.append_column(f"source{name.capitalize()}Id", column)
    write_parquet(predictions, "data/predictions.parquet")


def user_labels(histories: UserHistories, folder: Path | str) -> list[str]:
    """Return each user's id in the source, from the folder of the histories."""
    ids = read_source_user_ids(folder)
    if ids is None:
        return histories.user_id.astype(str).tolist()
    row = pc.index_in(pa.array(histories.user_id), ids["user_id"].combine_chunks())
    return ids["source_user_id"].take(row).to_pylist()


def target_columns(
    histories: UserHistories,
    movie_id: Int64[np.ndarray, " movies"],
    predictions: Mapping[str, Float[np.ndarray, " targets"]],
) -> dict[str, np.ndarray]:
    """Return user, movie and rating of each test target, and the columns of predictions, in stars."""
    index = histories.test
    return {
        "user": histories.user_id[histories.users_of(index)],
        "movie": movie_id[histories.movie_row[index]],
        "actual": star_ratings(histories, index),
        **predictions,
    }


def read_baseline_predictions(
    folder: str, names: Sequence[str], histories: UserHistories
) -> dict[str, ModelPredictions]:
    """Read each baseline's predictions of the targets.

    Raises:
        ArtifactError: a baseline's file is missing or has other targets.
    """
    predictions = {}
    for name in names:
        test = {rows: _read_stars(f"{folder}/{name}/{rows}.npy", len(histories.test)) for rows in FITS}
        val = _read_stars(f"{folder}/{name}/val.npy", len(histories.val))
        predictions[name] = ModelPredictions(val, test)
    return predictions


def _read_stars(path: str, count: int) -> Float[np.ndarray, " targets"]:
    array = read_array(path)
    violations = Violations(path)
    violations.check(
        array.shape == (count,) and array.dtype == np.float64,
        f"{array.dtype} of shape {array.shape} instead of {count:,} predictions",
    )
    violations.raise_if_any()
    # Negated, so that NaN is a violation too.
    outside = ~((array >= MIN_STARS) & (array <= MAX_STARS))
    violations.check_rows(outside, "prediction outside the scale", array)
    violations.raise_if_any()
    return array


def read_truth(folder: str) -> dict[str, np.ndarray]:
    """Read the ground truth of generated data; empty for real data.

    Raises:
        ArtifactError: an array is missing, or holds anything but finite numbers.
    """
    arrays = {path.stem: read_array(path) for path in sorted(Path(folder).glob("*.npy"))}
    violations = Violations(folder)
    for name, array in arrays.items():
        is_finite = array.dtype.kind in "if" and bool(np.isfinite(array).all())
        violations.check(is_finite, f"{name}.npy not finite numbers")
    missing = sorted(set(TRUTH_ARRAYS) - set(arrays))
    violations.check(not arrays or not missing, f"no {', '.join(missing)}")
    violations.raise_if_any()
    return arrays
