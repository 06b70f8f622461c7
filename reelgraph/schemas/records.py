"""The JSON files between stages: what each must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, ValidationError

from reelgraph.params.base import Section, problems
from reelgraph.runtime.atomic_io import RERUN, read_json
from reelgraph.runtime.errors import ArtifactError

R = TypeVar("R", bound=Section)

Count = Annotated[int, Field(ge=0)]
Stars = Annotated[float, Field(ge=0.5, le=5)]


class Chosen(Section):
    """data/links/chosen.json: what ``links`` chose for ``train_gnn``."""

    epochs: int = Field(ge=1)
    """Passes after which validation links were predicted best."""


class Learned(Section):
    """data/rater/history.json: how the training went."""

    best_epoch: int = Field(ge=1)
    epochs: list[dict[str, float]]
    """One an epoch: its number, losses and errors."""


class Earlier(Section):
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
    last: list[Earlier]
    moved: list[Earlier]


class Examples(Section):
    """data/examples.json: the worst predictions, the best, and some between."""

    worst: list[Example] = Field(default_factory=list)
    best: list[Example] = Field(default_factory=list)
    spread: list[Example] = Field(default_factory=list)


class Counted(Section):
    """A file of data/counts/: figures, or groups of them, by name."""

    counts: dict[str, Count | float | dict[str, Count | float | dict[str, Count | float]]]


def read_record(path: Path | str, model: type[R]) -> R:
    """Read a JSON file that an earlier stage wrote.

    Raises:
        ArtifactError: the file is missing or no JSON; or keys or values are not the model's (lists all).
    """
    values = read_json(path)
    try:
        return model.model_validate({"counts": values} if model is Counted else values)
    except ValidationError as error:
        got = "; ".join(str(problem) for problem in problems(error))
        raise ArtifactError(str(path), "a record that keeps its contract", got, RERUN) from None
