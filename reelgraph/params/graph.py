"""Params of stage build_kg."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams


class Kg(Section):
    """Section ``kg``."""

    fasttext: str = Field(min_length=1)
    """train: a model from the catalogue's text. hub: cc.en.300.bin. Else the path of a .bin file."""

    fasttext_epochs: int = Field(ge=1, le=1000)
    """Passes over the text when training, 1 to 1000."""

    val_fraction: float = Field(ge=0, le=0.4)
    """Share of a relation's edges by which stage evaluate_links stops, 0 to 0.4."""

    test_fraction: float = Field(ge=0, le=0.4)
    """Share of a relation's edges by which stage evaluate_links judges, 0 to 0.4; 0: it judges nothing."""


class BuildKgParams(StageParams):
    """What stage build_kg reads."""

    kg: Kg


class Gnn(Section):
    """Section ``gnn``."""

    hidden_dim: int = Field(ge=1, le=4096)
    """Dimension between the layers, 1 to 4096."""

    out_dim: int = Field(ge=1, le=4096)
    """Dimension of the movie embeddings, 1 to 4096."""

    loss: Literal["softmax", "bpr"]
    """softmax: an edge's true end against many of its type, from both ends; decoder, popularity, norms.
    bpr: the reference's."""

    epochs: int = Field(ge=1, le=10_000)
    """Full-batch passes, 1 to 10,000; with softmax at most, the links run chooses how many."""

    patience: int = Field(ge=1, le=10_000)
    """softmax only: looks at the validation links, one in 4 epochs, without a better MRR until it stops."""

    dropout: float = Field(ge=0, lt=1)
    """softmax only: share of the values between the layers that is dropped in training, 0 to below 1."""

    learning_rate: float = Field(gt=0, le=1)
    """Adam's step size, above 0, at most 1."""

    precision: Literal["float32", "bfloat16"]
    """Of matrix products, their sums apart. bfloat16: where the CPU has it, else float32."""


class TrainGnnParams(StageParams):
    """What stage train_gnn reads."""

    seed: Seed
    gnn: Gnn
    compute: Compute


class EvaluateLinksParams(StageParams):
    """What stage evaluate_links reads."""

    seed: Seed
    kg: Kg
    gnn: Gnn
    compute: Compute


class Embeddings(Section):
    """Section ``embeddings``."""

    pairs: int = Field(ge=1, le=100_000_000)
    """Random pairs of movies whose cosine is measured, 1 to 100,000,000."""

    pair_seed: Seed
    """Seed of the pairs and of the queries; 42 in the reference."""

    knn_queries: int = Field(ge=1, le=100_000_000)
    """Movies whose neighbours are searched, drawn at random where there are more, 1 to 100,000,000."""


class EvaluateEmbeddingsParams(StageParams):
    """What stage evaluate_embeddings reads."""

    seed: Seed
    embeddings: Embeddings
    compute: Compute


class LayoutMapParams(StageParams):
    """What stage layout_map reads."""

    seed: Seed
    compute: Compute
