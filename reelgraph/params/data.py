"""Params of stage ingest: where catalogue and ratings come from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reelgraph.params.base import Section, Seed, StageParams


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


class Demo(Section):
    """Section ``demo``."""

    users: int = Field(ge=1, le=1_000_000)
    """People, 1 to 1,000,000."""

    movies: int = Field(ge=1, le=200_000)
    """Movies, 1 to 200,000."""

    mean_ratings: int = Field(ge=1, le=1_000)
    """Average number of ratings a person gives, 1 to 1,000, at most max_ratings and movies."""

    max_ratings: int = Field(ge=1, le=100_000)
    """Largest number of ratings of one person, 1 to 100,000."""


class Engine(Section):
    """Section ``engine``."""

    backend: Literal["duckdb", "spark"]
    """duckdb: in this process. spark: a Spark session, for ratings that outgrow one machine."""

    url: str
    """Spark master, such as ``local[2]`` or ``spark://host:7077``; read with spark only."""

    memory_mb: int = Field(ge=64)
    """Memory that the engine may use before it spills to disk, in MB, 64 or more; of Spark, its driver's,
    512 at least."""


class FilterParams(StageParams):
    """What stage filter reads."""

    engine: Engine
