"""Results that stages pass on: JSON records, and predictions of the test targets (predictions.parquet)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import Field, ValidationError

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.core.schemas.artifacts import Violations, read_with_schema
from reelgraph.core.schemas.columns import SOURCE_MOVIE_ID, SOURCE_USER_ID
from reelgraph.params.base import Section, list_violations
from reelgraph.runtime.atomic_io import RERUN_HINT, read_json
from reelgraph.runtime.errors import ArtifactError

R = TypeVar("R", bound=Section)

Count = Annotated[int, Field(ge=0)]
Stars = Annotated[float, Field(ge=0.5, le=5)]

PREDICTION_SCHEMA = pa.schema(
    [("userId", pa.int64()), ("movieId", pa.int64()), ("rating", pa.float64()), ("prediction", pa.float64())]
)

SOURCE_ID_FIELDS = tuple(pa.field(c.name_in_file, c.type) for c in (SOURCE_USER_ID, SOURCE_MOVIE_ID))
"""Columns of predictions.parquet with the ids of the source, where these are text."""

SOURCE_USERS_FILE = "source_user_ids.parquet"
SOURCE_USERS_SCHEMA = pa.schema([("user_id", pa.int64()), ("source_user_id", pa.string())])
"""File in data/sequences/ with the ids of users in the source, where these are text."""


class SelectedEpochs(Section):
    """data/links/chosen.json: what stage evaluate_links selected for train_gnn."""

    epochs: int = Field(ge=1)
    """Epochs after which the validation links were predicted best."""


class TrainingHistory(Section):
    """data/rater/history.json: how the training went."""

    best_epoch: int = Field(ge=1)
    epochs: list[dict[str, float]]
    """For each epoch its number, losses and errors."""


class HistoryItem(Section):
    """A rating in the history of an example."""

    title: str
    stars: float
    """The rating, or its contribution to the prediction."""
    shared: list[str] = Field(default_factory=list)
    """Entities that it shares with the target."""


class Example(Section):
    """A test target with its prediction."""

    user: str
    """The id in the data source."""
    movie_id: int
    title: str
    actual: Stars
    predicted: float
    last: list[HistoryItem]
    """The last ratings before the target."""
    moved: list[HistoryItem]
    """The ratings that changed the prediction most."""


class Examples(Section):
    """data/examples.json: the worst predictions, the best, and others spread over the users."""

    worst: list[Example] = Field(default_factory=list)
    best: list[Example] = Field(default_factory=list)
    spread: list[Example] = Field(default_factory=list)


class StageCounts(Section):
    """A file of data/counts/: numbers, or groups of numbers, by name."""

    counts: dict[str, Count | float | dict[str, Count | float | dict[str, Count | float]]]


def read_record(path: Path | str, model: type[R]) -> R:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        ArtifactError: the file is missing or is not JSON, or keys or values are invalid; lists all.
    """
    values = read_json(path)
    try:
        return model.model_validate({"counts": values} if model is StageCounts else values)
    except ValidationError as error:
        got = "; ".join(str(violation) for violation in list_violations(error))
        raise ArtifactError(str(path), "a valid record", got, RERUN_HINT) from None


def read_source_user_ids(folder: Path | str) -> pa.Table | None:
    """Read user_id and source_user_id of each user; None if the source's ids are numbers.

    Raises:
        ArtifactError: the file has another schema.
    """
    path = Path(folder) / SOURCE_USERS_FILE
    return read_with_schema(path, SOURCE_USERS_SCHEMA) if path.is_file() else None


def read_predictions(path: Path | str) -> pa.Table:
    """Read the rater's prediction of each test target.

    Raises:
        ArtifactError: the file is missing, has another schema, or has stars that are null or off the scale.
    """
    table = read_with_schema(path, PREDICTION_SCHEMA, optional=SOURCE_ID_FIELDS)
    violations = Violations(path)
    for name in ("rating", "prediction"):
        stars = table[name].to_numpy().astype(np.float64)
        # NaN is in no range.
        outside = ~((stars >= MIN_STARS) & (stars <= MAX_STARS))
        violations.check_rows(outside, f"{name} outside the scale", stars)
    violations.raise_if_any()
    return table
