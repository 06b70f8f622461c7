"""Params of stage ingest: where catalogue and ratings come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.demo import Demo
from reelgraph.params.engine import Engine


class Data(Section):
    """Section ``data``. Paths outside the project are absolute, so that queued experiments find them."""

    source: Literal["demo", "movielens", "tables"]
    """demo: generated. movielens: a folder of GroupLens. tables: two parquet files."""

    movielens: str = Field(min_length=1)
    """Folder in GroupLens' layout (latest, 25M, 32M, 1M, 10M, 100K)."""

    base: str
    """File in that folder with the training ratings of a published split, such as u1.base; empty: none."""

    test: str
    """File with the test ratings that goes with it, such as u1.test; empty: none."""

    tmdb: str = Field(min_length=1)
    """Folder with TMDB files to join to movielens; an empty folder: none."""

    catalog: str = Field(min_length=1)
    """Parquet file, or folder of them, in the SPEC's catalogue schema."""

    ratings: str = Field(min_length=1)
    """Parquet file, or folder of them, in the SPEC's ratings schema; a column ``test`` gives a split."""

    @model_validator(mode="after")
    def _both_parts(self) -> Data:
        if bool(self.base) != bool(self.test):
            raise ValueError("base and test both named, or both empty")
        return self


class IngestParams(StageParams):
    """What stage ingest reads."""

    seed: Seed
    data: Data
    demo: Demo
    engine: Engine
