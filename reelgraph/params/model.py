"""Params of stage train_rater: type and size of the rater, and how each type is trained."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from reelgraph.params.base import (
    PARAMS_FILE,
    Compute,
    S,
    Section,
    Seed,
    StageParams,
    invalid,
    validate_section,
)
from reelgraph.params.evaluation import Evaluate


class Model(Section):
    """Section ``model``."""

    embedding: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    """NAME of the file data/emb_NAME.parquet with the movie embeddings."""

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)
    """Name of the rater in reelgraph.raters.registry: gp, attention or transformer."""

    max_history: int = Field(ge=1, le=100_000)
    """Ratings of a history that attention and transformer read, the last ones, 1 to 100,000."""

    hidden_dim: int = Field(ge=2, le=8192, multiple_of=2)
    """Hidden dimension, even, 2 to 8192."""

    dropout: float = Field(ge=0, lt=1)
    """Dropout probability, 0 to below 1."""

    layers: int = Field(ge=1, le=24)
    """transformer only: encoder layers, 1 to 24."""

    heads: int = Field(ge=1, le=64)
    """transformer only: attention heads, 1 to 64."""

    seed: int = Field(default=0, ge=0, lt=2**31)
    """Added to the root seed for the rater's random numbers, 0 or more: seeds on the same data."""

    @model_validator(mode="after")
    def _heads_divide_hidden_dim(self) -> Model:
        if self.type == "transformer" and self.hidden_dim % self.heads:
            raise invalid(f"model.hidden_dim divisible by model.heads = {self.heads}", str(self.hidden_dim))
        return self


HISTORY_WINDOWS = 2
"""Length of the history that ``gp`` predicts from, in training windows."""


class Gp(Section):
    """Section ``gp``; read with ``model.type: gp``."""

    embedding_dim: int = Field(ge=1, le=1024)
    """Dimension of the learned projection of co-occurrence and content, 1 to 1024."""

    latent_dim: int = Field(ge=1, le=256)
    """Largest dimension of the Bayesian matrix factorization of the ratings, 1 to 256."""

    cooccurrence_dim: int = Field(ge=1, le=1024)
    """Dimension of the movie vectors from co-occurrence in users' histories, 1 to 1024."""

    context_length: int = Field(ge=2, le=4096)
    """Ratings of a user in one window of the training, 2 to 4096; the cost grows with its square. Predictions
    read a history of ``HISTORY_WINDOWS`` times as many."""

    batch_size: int = Field(ge=1, le=100_000)
    """Windows per step, 1 to 100,000."""

    epochs: int = Field(ge=1, le=1000)
    """Largest number of epochs over the training ratings, 1 to 1000; with many ratings fewer are enough."""

    max_ratings: int = Field(ge=1)
    """Maximum number of ratings over all epochs, 1 or more; a random subset of more ratings."""

    head_epochs: int = Field(ge=1, le=1000)
    """Epochs of the head that predicts the half stars, 1 to 1000."""

    head_max_rows: int = Field(ge=1)
    """Maximum number of ratings that the head is trained on, 1 or more."""

    ensemble_size: int = Field(ge=1, le=64)
    """Heads whose probabilities are averaged, 1 to 64."""

    @property
    def history_length(self) -> int:
        """Number of ratings of a history that a prediction reads."""
        return HISTORY_WINDOWS * self.context_length - 1


class Train(Section):
    """Section ``train``; read with ``model.type: attention`` and ``transformer``."""

    epochs: int = Field(ge=1, le=10_000)
    """Epochs over the training targets, 1 to 10,000."""

    batch_size: int = Field(ge=1, le=1_000_000)
    """Targets per step, 1 to 1,000,000, sampled from all users."""

    users_per_batch: int = Field(ge=0, le=1_000_000)
    """attention only: users per step, with all of their training targets, up to 1,000,000; 0: use
    batch_size."""

    learning_rate: float = Field(gt=0, le=1)
    """AdamW's learning rate, above 0, at most 1."""

    weight_decay: float = Field(ge=0, le=1)
    """AdamW's weight decay, 0 to 1."""

    cosine_epochs: int = Field(ge=1, le=10_000)
    """Epochs until the cosine schedule reaches min_learning_rate, 1 to 10,000."""

    min_learning_rate: float = Field(ge=0, le=1)
    """Lowest learning rate of the schedule, 0 to learning_rate."""

    clip_norm: float = Field(gt=0)
    """Maximum norm of the gradient, above 0."""

    precision: Literal["float32", "bfloat16"]
    """Data type of matrix products in training; bfloat16 is faster on devices that support it. Predictions
    use float32."""

    processes: int = Field(ge=1, le=1024)
    """Processes on this machine that share each batch, each with compute.threads, 1 to 1024."""

    @model_validator(mode="after")
    def _learning_rate_falls(self) -> Train:
        if self.min_learning_rate > self.learning_rate:
            rule = f"min_learning_rate of at most learning_rate = {self.learning_rate}"
            raise invalid(rule, f"min_learning_rate {self.min_learning_rate}")
        return self


Raters = dict[str, dict[str, Any]]
"""Section ``raters``: the params of raters without a section of their own, by the rater's name."""


class RaterConfig(Section):
    """The params that a rater's weights depend on; the content of the rater's config.json."""

    model: Model
    gp: Gp
    raters: Raters = Field(default_factory=dict)

    def section(self, name: str, model: type[S]) -> S:
        """Return a rater's own params from the section ``raters``.

        Raises:
            ParamError: keys are unknown, missing, of the wrong type or out of range; lists all.
        """
        return validate_section(model, self.raters.get(name, {}), PARAMS_FILE, f"raters.{name}")

    def to_json(self) -> dict[str, Any]:
        """Return the content of config.json; it has ``raters`` only if this section is not empty."""
        return self.model_dump(exclude=None if self.raters else {"raters"})


class TrainRaterParams(StageParams):
    """Params of stage train_rater."""

    seed: Seed
    model: Model
    gp: Gp
    raters: Raters
    train: Train
    evaluate: Evaluate
    compute: Compute

    @property
    def rater_seed(self) -> int:
        """The root seed of the rater's random numbers."""
        return self.seed + self.model.seed

    def config(self) -> RaterConfig:
        """Return the params that the rater's weights depend on."""
        return RaterConfig(model=self.model, gp=self.gp, raters=self.raters)
