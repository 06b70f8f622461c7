"""Two runs' predictions of the same targets stand side by side."""

from __future__ import annotations

import pyarrow as pa
import pytest

from bench.fewer_users import join_predictions
from reelgraph.core.schemas.records import PREDICTION_SCHEMA as SCHEMA


def predictions(*rows: tuple[int, int, float, float]) -> pa.Table:
    return pa.table(list(zip(*rows, strict=True)), schema=SCHEMA)


def test_each_target_has_both_predictions() -> None:
    subset = predictions((7, 3, 4.0, 3.5), (2, 9, 1.0, 2.0))
    everybody = predictions((1, 3, 5.0, 4.5), (2, 9, 1.0, 1.5), (7, 3, 4.0, 3.9))
    assert join_predictions(subset, everybody).to_pylist() == [
        {"userId": 2, "movieId": 9, "rating": 1.0, "prediction": 2.0, "prediction_everybody": 1.5},
        {"userId": 7, "movieId": 3, "rating": 4.0, "prediction": 3.5, "prediction_everybody": 3.9},
    ]


def test_other_targets_are_refused() -> None:
    with pytest.raises(AssertionError, match="1 of 2 targets"):
        join_predictions(
            predictions((7, 3, 4.0, 3.5), (2, 8, 1.0, 2.0)), predictions((7, 3, 4.0, 3.5), (2, 9, 1.0, 2.0))
        )
