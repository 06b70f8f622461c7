"""predictions.parquet: what the rater said of each test target."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import stars


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
        }
    )
