"""Params of the ablation study: studies/ablation/params.yaml, beside the rater's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams
from reelgraph.params.model import Gp, Model, Raters, Train

ABLATION_FILE = "studies/ablation/params.yaml"

Architecture = Literal["gp", "attention", "transformer"]
Control = Literal["history_shuffled", "ratings_hidden", "text_hidden", "graph_hidden"]
Names = Annotated[list[str], Field(min_length=1)]


class Ablation(Section):
    """Section ``ablation`` of the study's params."""

    seeds: list[Seed] = Field(min_length=1)
    """Root seeds of the runs of each row."""

    raters: list[Architecture] = Field(min_length=1)
    """Raters that are run on every embedding."""

    embeddings: dict[str, str] = Field(min_length=1)
    """Name → file of the movie vectors; ``random`` takes the file's dimension alone."""

    network_controls: list[Control]
    """Controls of attention and transformer, on kg_gnn_bert."""

    gp_controls: list[Control]
    """Controls of gp, on kg_gnn_bert."""

    epochs: int = Field(ge=1, le=10_000)
    """Epochs of attention and transformer, in place of train.epochs, 1 to 10,000."""

    gp_epochs: int = Field(ge=1, le=1000)
    """Passes of gp, in place of gp.epochs, 1 to 1000."""

    gp_max_ratings: int = Field(ge=1)
    """Ratings that gp sees in all passes together, in place of gp.max_ratings, 1 or more."""


class AblationVectorParams(StageParams):
    """What stage vectors of the study reads."""

    seed: Seed


class AblationRunParams(StageParams):
    """What a run of the study reads."""

    ablation: Ablation
    model: Model
    gp: Gp
    raters: Raters
    train: Train
    compute: Compute


class AblationParams(StageParams):
    """What the stage that collects the runs reads."""

    ablation: Ablation
