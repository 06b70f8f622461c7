"""What the rater says of the targets, and predictions.parquet, which keeps it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int64

from reelgraph.raters.rater import Prediction, Rater
from reelgraph.runtime.atomic_io import RERUN
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.predictions import SCHEMA, read_predictions
from reelgraph.sequences.arrays import Fit, Histories
from reelgraph.sequences.ratings import stars


def of_targets(raters: Mapping[Fit, Rater], histories: Histories) -> tuple[Prediction, dict[Fit, Prediction]]:
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


def table(
    histories: Histories,
    predicted: Float[np.ndarray, "targets"],
    movie_id: Int64[np.ndarray, "movies"],
) -> pa.Table:
    """Return userId, movieId, rating and prediction (stars) of each test target, in user order."""
    index = histories.test
    return pa.table(
        {
            "userId": histories.user_id[histories.users_of(index)],
            "movieId": movie_id[histories.movie_row[index]],
            "rating": stars(histories, index),
            "prediction": predicted,
        },
        schema=SCHEMA,
    )


def read_table(path: str, histories: Histories) -> Float[np.ndarray, "targets"]:
    """Return the predictions of the test targets, in stars.

    Raises:
        ArtifactError: the file is missing or is about other targets.
    """
    found = read_predictions(path)
    user = histories.user_id[histories.users_of(histories.test)]
    if not np.array_equal(found["userId"].to_numpy(), user):
        raise ArtifactError(path, f"predictions of {len(user)} test targets", "others", RERUN)
    return found["prediction"].to_numpy()
