"""All params of the pipeline, and what must hold between their sections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field

from reelgraph.params.base import PARAMS_FILE, Compute, Seed, StageParams, Violation, violations_error
from reelgraph.params.data import Data, Demo, Engine
from reelgraph.params.evaluation import Evaluate, Rankers
from reelgraph.params.graph import GNN_VARIANTS, Embeddings, Gnn, Kg
from reelgraph.params.model import Gp, Model, Raters, Train
from reelgraph.params.sequences import Sequences
from reelgraph.params.text import Projection, Text

FASTTEXT_DIM = 300
"""Dimension of the entity embeddings with ``kg.fasttext: train`` and ``hub``."""


class PipelineParams(StageParams):
    """All sections of params.yaml."""

    seed: Seed
    compute: Compute
    engine: Engine
    data: Data
    demo: Demo
    text: Text
    projection: Projection
    kg: Kg
    gnn: Gnn
    embeddings: Embeddings
    sequences: Sequences
    model: Model
    gp: Gp
    raters: Raters
    train: Train
    baselines: dict[str, dict[str, Any]] = Field(min_length=1)
    rankers: Rankers
    evaluate: Evaluate


def check_sections(params: PipelineParams) -> None:
    """Check what no section can check alone.

    Raises:
        ParamError: values of two sections contradict each other, or a path does not exist; lists all.
    """
    violations = [*_data(params.data), *_demo(params), *_dimensions(params), *_split(params),
                  *_embedding(params.model)]  # fmt: skip
    if violations:
        raise violations_error(violations, PARAMS_FILE)


def _data(data: Data) -> Iterator[Violation]:
    for key in ("movielens", "tmdb", "catalog", "ratings"):  # DVC needs them all, whatever the source is
        path = getattr(data, key)
        if not Path(path).exists():
            yield Violation(f"data.{key}", "an existing file or folder", repr(path))


def _demo(params: PipelineParams) -> Iterator[Violation]:
    demo = params.demo
    for key in ("max_ratings", "movies"):
        limit = getattr(demo, key)
        if params.data.source == "demo" and demo.mean_ratings > limit:
            yield Violation("demo.mean_ratings", f"at most demo.{key} = {limit}", str(demo.mean_ratings))


def _dimensions(params: PipelineParams) -> Iterator[Violation]:
    dim = params.projection.dim
    if params.kg.fasttext in ("train", "hub") and dim != FASTTEXT_DIM:  # check_params reads a model file
        expected = f"{FASTTEXT_DIM}, the entity embeddings' with kg.fasttext {params.kg.fasttext}"
        yield Violation("projection.dim", expected, str(dim))


def _split(params: PipelineParams) -> Iterator[Violation]:
    data = params.data
    has_split = data.source == "tables" or (data.source == "movielens" and bool(data.base))
    if params.sequences.split == "given" and not has_split:
        expected = "a split other than given, unless data.base and data.test name one"
        yield Violation("sequences.split", expected, "'given'")


def _embedding(model: Model) -> Iterator[Violation]:
    path = Path(f"data/emb_{model.embedding}.parquet")
    if model.embedding not in GNN_VARIANTS and not path.exists():
        expected = f"one of {', '.join(GNN_VARIANTS)}, or the NAME of a file data/emb_NAME.parquet"
        yield Violation("model.embedding", expected, repr(model.embedding))
