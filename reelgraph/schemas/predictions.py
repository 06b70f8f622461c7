"""predictions.parquet: what the rater said of each test target, a row each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from reelgraph.core.rating_scale import HIGHEST, LOWEST
from reelgraph.schemas.reading import read_exactly
from reelgraph.schemas.violations import Violations

SCHEMA = pa.schema(
    [("userId", pa.int64()), ("movieId", pa.int64()), ("rating", pa.float64()), ("prediction", pa.float64())]
)


def read_predictions(path: Path | str) -> pa.Table:
    """Read what the rater said of each test target.

    Raises:
        ArtifactError: the file is missing, has another schema, or stars that are missing or off the scale.
    """
    table, wrong = read_exactly(path, SCHEMA), Violations(path)
    for name in ("rating", "prediction"):
        stars = table[name].to_numpy().astype(np.float64)
        # A NaN is in no range.
        wrong.rows(~((stars >= LOWEST) & (stars <= HIGHEST)), f"{name} outside the scale", stars)
    wrong.refuse()
    return table
