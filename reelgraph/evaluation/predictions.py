"""predictions.parquet: what the rater said of each test target."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN
from reelgraph.histories.arrays import Histories
from reelgraph.histories.ratings import stars
from reelgraph.schemas.predictions import SCHEMA, read_predictions


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
