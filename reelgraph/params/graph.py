"""Params of the knowledge graph, the GNN, and the movie embeddings that it gives."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reelgraph.params.base import Compute, Section, Seed, StageParams, invalid
from reelgraph.params.text import Projection

GNN_VARIANTS = ("kg_gnn_bert", "kg_gnn")
"""Embeddings that stage train_gnn makes: from text features, and from release years."""


class Kg(Section):
    """Section ``kg``."""

    fasttext: str = Field(min_length=1)
    """train: a model from the catalogue's text. hub: cc.en.300.bin. Otherwise the path of a .bin file."""

    fasttext_epochs: int = Field(ge=1, le=1000)
    """Epochs of fastText's training, 1 to 1000."""

    val_fraction: float = Field(ge=0, le=0.4)
    """Fraction of each relation's edges that evaluate_links holds out for early stopping, 0 to 0.4."""

    test_fraction: float = Field(ge=0, le=0.4)
    """Fraction of each relation's edges that evaluate_links holds out for its metrics, 0 to 0.4; 0: none."""

    embedding_baselines: bool
    """Whether evaluate_links also trains DistMult and TransE, which takes twice as long as the GNN. It needs
    a test_fraction above 0."""

    @model_validator(mode="after")
    def _baselines_have_test_edges(self) -> Kg:
        if self.embedding_baselines and not self.test_fraction:
            raise invalid("a test_fraction above 0 with embedding_baselines true", "test_fraction 0")
        return self


class Gnn(Section):
    """Section ``gnn``."""

    hidden_dim: int = Field(ge=1, le=4096)
    """Dimension between the layers, 1 to 4096."""

    out_dim: int = Field(ge=1, le=4096)
    """Dimension of the movie embeddings, 1 to 4096."""

    loss: Literal["softmax", "bpr"]
    """softmax: sampled softmax over both ends of an edge, with a decoder, popularity and norms.
    bpr: that of the reference."""

    epochs: int = Field(ge=1, le=10_000)
    """Full-batch epochs, 1 to 10,000. With softmax an upper limit: evaluate_links selects the number."""

    patience: int = Field(ge=1, le=10_000)
    """softmax only: validations, one in 8 epochs, without a better MRR until training stops."""

    dropout: float = Field(ge=0, lt=1)
    """softmax only: dropout probability between the layers, 0 to below 1."""

    learning_rate: float = Field(gt=0, le=1)
    """Adam's learning rate, above 0, at most 1."""

    precision: Literal["float32", "bfloat16"]
    """Data type of factors of matrix products; sums are float32. bfloat16: on CPUs that support it."""


class Embeddings(Section):
    """Section ``embeddings``."""

    pairs: int = Field(ge=1, le=100_000_000)
    """Random pairs of movies whose cosine is measured, 1 to 100,000,000."""

    pair_seed: Seed
    """Seed of the pairs and of the queries; 42 in the reference."""

    knn_queries: int = Field(ge=1, le=100_000_000)
    """Movies whose nearest neighbours are searched, 1 to 100,000,000; a random sample of more movies."""


class BuildKgParams(StageParams):
    """Params of stage build_kg."""

    kg: Kg
    projection: Projection


class TrainGnnParams(StageParams):
    """Params of stage train_gnn."""

    seed: Seed
    gnn: Gnn
    compute: Compute


class EvaluateLinksParams(StageParams):
    """Params of stage evaluate_links."""

    seed: Seed
    kg: Kg
    gnn: Gnn
    compute: Compute


class EvaluateEmbeddingsParams(StageParams):
    """Params of stage evaluate_embeddings."""

    seed: Seed
    embeddings: Embeddings
    compute: Compute


class LayoutMapParams(StageParams):
    """Params of stage layout_map."""

    seed: Seed
    compute: Compute
