"""The JSON files between stages: what each must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import Field, ValidationError

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section, list_violations
from reelgraph.runtime.atomic_io import RERUN_HINT, read_json
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.artifacts import Violations, read_with_schema

R = TypeVar("R", bound=Section)

Count = Annotated[int, Field(ge=0)]
Stars = Annotated[float, Field(ge=0.5, le=5)]


class SelectedEpochs(Section):
    """data/links/chosen.json: what ``evaluate_links`` selected for ``train_gnn``."""

    epochs: int = Field(ge=1)
    """Passes after which validation links were predicted best."""


class TrainingHistory(Section):
    """data/rater/history.json: how the training went."""

    best_epoch: int = Field(ge=1)
    epochs: list[dict[str, float]]
    """One an epoch: its number, losses and errors."""


class HistoryItem(Section):
    """A rating before the example's."""

    title: str
    stars: float
    """Given, or added to the prediction."""
    shared: list[str] = Field(default_factory=list)
    """Entities that both movies have."""


class Example(Section):
    """One test target."""

    user: int
    movie_id: int
    title: str
    actual: Stars
    predicted: float
    last: list[HistoryItem]
    moved: list[HistoryItem]


class Examples(Section):
    """data/examples.json: the worst predictions, the best, and some between."""

    worst: list[Example] = Field(default_factory=list)
    best: list[Example] = Field(default_factory=list)
    spread: list[Example] = Field(default_factory=list)


class StageCounts(Section):
    """A file of data/counts/: figures, or groups of them, by name."""

    counts: dict[str, Count | float | dict[str, Count | float | dict[str, Count | float]]]


def read_record(path: Path | str, model: type[R]) -> R:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        ArtifactError: the file is missing or no JSON; or keys or values are not the model's (lists all).
    """
    values = read_json(path)
    try:
        return model.model_validate({"counts": values} if model is StageCounts else values)
    except ValidationError as error:
        got = "; ".join(str(problem) for problem in list_violations(error))
        raise ArtifactError(str(path), "a record that keeps its contract", got, RERUN_HINT) from None


PREDICTION_SCHEMA = pa.schema(
    [("userId", pa.int64()), ("movieId", pa.int64()), ("rating", pa.float64()), ("prediction", pa.float64())]
)


def read_predictions(path: Path | str) -> pa.Table:
    """Read what the rater said of each test target.

    Raises:
        ArtifactError: the file is missing, has another schema, or stars that are missing or off the scale.
    """
    table, wrong = read_with_schema(path, PREDICTION_SCHEMA), Violations(path)
    for name in ("rating", "prediction"):
        stars = table[name].to_numpy().astype(np.float64)
        # A NaN is in no range.
        wrong.check_rows(~((stars >= MIN_STARS) & (stars <= MAX_STARS)), f"{name} outside the scale", stars)
    wrong.raise_if_any()
    return table
