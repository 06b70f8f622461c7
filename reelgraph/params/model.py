"""Params of stage train_rater."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from reelgraph.params.base import PARAMS_FILE, Compute, S, Section, Seed, StageParams, validate_section


class Model(Section):
    """Section ``model``."""

    embedding: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    """Which data/emb_NAME.parquet gives the movie vectors."""

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """The rater, by its name in reelgraph.raters.registry: gp, attention, transformer."""

    max_history: int = Field(ge=1, le=100_000)
    """Ratings of a history that attention and transformer see, the last ones, 1 to 100,000."""

    hidden_dim: int = Field(ge=2, le=8192, multiple_of=2)
    """Hidden size, even, 2 to 8192."""

    dropout: float = Field(ge=0, lt=1)
    """Share of activations dropped in training, 0 to below 1."""

    layers: int = Field(ge=1, le=24)
    """Encoder layers, transformer only, 1 to 24."""

    heads: int = Field(ge=1, le=64)
    """Attention heads, transformer only, 1 to 64."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Model:
        if self.type == "transformer" and self.hidden_dim % self.heads:
            raise ValueError(f"model.hidden_dim divisible by model.heads = {self.heads}")
        return self


class Train(Section):
    """Section ``train``."""

    epochs: int = Field(ge=1, le=10_000)
    """Passes over the training targets, 1 to 10,000."""

    batch_size: int = Field(ge=1, le=1_000_000)
    """Targets a step, 1 to 1,000,000; drawn from everybody."""

    users_per_batch: int = Field(ge=0, le=1_000_000)
    """Users a step, all of their training targets in one pass, up to 1,000,000; 0: batch_size says.
    attention only."""

    learning_rate: float = Field(gt=0, le=1)
    """AdamW's step size, above 0, at most 1."""

    weight_decay: float = Field(ge=0, le=1)
    """AdamW's weight decay, 0 to 1."""

    cosine_epochs: int = Field(ge=1, le=10_000)
    """Epochs until the cosine schedule reaches its lowest rate, 1 to 10,000."""

    min_learning_rate: float = Field(ge=0, le=1)
    """That lowest rate, 0 to 1."""

    clip_norm: float = Field(gt=0)
    """Largest norm of a gradient step, above 0."""

    precision: Literal["float32", "bfloat16"]
    """Of matrix products in training; bfloat16: faster where the device has it. Predictions are float32."""

    processes: int = Field(ge=1, le=1024)
    """Processes on this machine that share each batch, with compute.threads each, 1 to 1024."""


class Gp(Section):
    """Section ``gp``; read with ``model.type: gp``."""

    embedding_dim: int = Field(ge=1, le=1024)
    """Learned dimensions of a movie, 1 to 1024."""

    latent_dim: int = Field(ge=1, le=256)
    """Dimensions of the Bayesian factorisation of the ratings, 1 to 256."""

    cooccurrence_dim: int = Field(ge=1, le=1024)
    """Dimensions of what the same people watch, 1 to 1024."""

    context_length: int = Field(ge=2, le=4096)
    """Ratings of a person that are looked at together, 2 to 4096; cost grows with its square."""

    batch_size: int = Field(ge=1, le=100_000)
    """Windows a step, 1 to 100,000."""

    epochs: int = Field(ge=1, le=1000)
    """Passes over all training ratings, 1 to 1000."""

    max_ratings: int = Field(ge=1)
    """Ratings seen in all passes together at most, 1 or more; fewer than there are: a random part of them."""

    head_epochs: int = Field(ge=1, le=1000)
    """Passes when learning the half stars, 1 to 1000."""

    head_max_rows: int = Field(ge=1)
    """Ratings that the half stars are learned from at most, 1 or more."""

    ensemble_size: int = Field(ge=1, le=64)
    """Networks whose probabilities are averaged, 1 to 64."""


Raters = dict[str, dict[str, Any]]
"""Section ``raters``: params of raters that have no section of their own, by the rater's name."""


class RaterConfig(Section):
    """The params that a rater's weights depend on; config.json of a rater."""

    model: Model
    gp: Gp
    raters: Raters = Field(default_factory=dict)

    def section(self, name: str, model: type[S]) -> S:
        """Return a rater's own params from the section ``raters``.

        Raises:
            ParamError: keys are unknown, missing, of a wrong type or out of range: all of them are listed.
        """
        return validate_section(model, self.raters.get(name, {}), PARAMS_FILE, f"raters.{name}")

    def to_json(self) -> dict[str, Any]:
        """Return the content of config.json; it has ``raters`` only where this section is not empty."""
        return self.model_dump(exclude=None if self.raters else {"raters"})


class TrainRaterParams(StageParams):
    """Params of stage train_rater."""

    seed: Seed
    model: Model
    gp: Gp
    raters: Raters
    train: Train
    compute: Compute

    def config(self) -> RaterConfig:
        """Return the params that the rater's weights depend on."""
        return RaterConfig(model=self.model, gp=self.gp, raters=self.raters)
