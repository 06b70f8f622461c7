"""Params of the ablation study: studies/ablation/params.yaml, and the rater's from params.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams
from reelgraph.params.model import Gp, Model, Raters, Train

ABLATION_FILE = "studies/ablation/params.yaml"

Control = Literal["history_shuffled", "ratings_hidden", "text_hidden", "graph_hidden"]


class Ablation(Section):
    """Section ``ablation`` of the study's params."""

    seeds: list[Seed] = Field(min_length=1)
    """Root seeds of each experiment's runs."""

    raters: list[str] = Field(min_length=1)
    """Raters to fit on every embedding."""

    embeddings: dict[str, str] = Field(min_length=1)
    """Name → file of the movie vectors; ``random`` uses only the file's dimension."""

    network_controls: list[Control]
    """Controls of attention and transformer, on kg_gnn_bert."""

    gp_controls: list[Control]
    """Controls of gp, on kg_gnn_bert."""

    epochs: int = Field(ge=1, le=10_000)
    """Epochs of attention and transformer; replaces train.epochs; 1 to 10,000."""

    gp_epochs: int = Field(ge=1, le=1000)
    """Epochs of gp; replaces gp.epochs; 1 to 1000."""

    gp_max_ratings: int = Field(ge=1)
    """Limit of ratings over all epochs of gp; replaces gp.max_ratings; 1 or more."""


class AblationParams(StageParams):
    """Params of the ablation study."""

    seed: Seed
    """Of the random vectors; runs have the seeds of ``ablation``."""
    ablation: Ablation
    model: Model
    gp: Gp
    raters: Raters
    train: Train
    compute: Compute
