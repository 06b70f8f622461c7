"""Params of stages ingest and filter: data source, generated demo, and table engine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reelgraph.params.base import Section, Seed, StageParams, invalid

Scale = Literal["0.5-5", "1-5", "0-10", "0-100", "1-100"]

SCALES: dict[Scale, tuple[int, int]] = {"1-5": (1, 5), "0-10": (0, 10), "0-100": (0, 100), "1-100": (1, 100)}
"""Scale of ratings that are mapped to half stars → its lowest and its highest rating."""


class Data(Section):
    """Section ``data``. Paths outside of the project are absolute, so that queued experiments find them."""

    source: Literal["demo", "movielens", "tables"]
    """demo: generated. movielens: a folder of GroupLens. tables: two tables, parquet or CSV."""

    movielens: str = Field(min_length=1)
    """Folder in GroupLens' layout (latest, 25M, 32M, 1M, 10M, 100K)."""

    base: str
    """File in that folder with the training ratings of a published split, such as u1.base; empty: none."""

    test: str
    """File with the test ratings of the same split, such as u1.test; empty: none."""

    tmdb: str = Field(min_length=1)
    """Folder with TMDB files to join to movielens; an empty folder: none."""

    catalog: str = Field(min_length=1)
    """Parquet or CSV file, or folder of them, with the catalogue."""

    ratings: str = Field(min_length=1)
    """Parquet or CSV file, or folder of them, with ratings. A column ``test`` gives a predefined split."""

    scale: Scale
    """Scale of the ratings of tables. 0.5-5: half stars. Others are mapped to half stars and rounded."""

    order: Literal["timestamp", "file"]
    """What orders the ratings of tables. file: their rows, oldest first, whatever their timestamps are."""

    @model_validator(mode="after")
    def _both_split_files(self) -> Data:
        if bool(self.base) != bool(self.test):
            raise invalid(
                "base and test both named, or both empty", f"base {self.base!r}, test {self.test!r}"
            )
        return self


class Demo(Section):
    """Section ``demo``: the size of the generated data."""

    users: int = Field(ge=1, le=1_000_000)
    """Number of users, 1 to 1,000,000."""

    movies: int = Field(ge=1, le=200_000)
    """Number of movies, 1 to 200,000."""

    mean_ratings: int = Field(ge=1, le=1_000)
    """Mean number of ratings per user, 1 to 1,000, at most max_ratings and movies."""

    max_ratings: int = Field(ge=1, le=100_000)
    """Largest number of ratings of a user, 1 to 100,000."""


class Engine(Section):
    """Section ``engine``: what runs the relational work."""

    backend: Literal["duckdb", "spark"]
    """duckdb: in this process. spark: a Spark session, for ratings that exceed one machine."""

    url: str
    """Spark master, such as ``local[2]`` or ``spark://host:7077``; read with spark only."""

    memory_mb: int = Field(ge=64)
    """Memory of the engine in MB, 64 or more; beyond it, data go to disk. With Spark, that of the driver,
    at least 512."""


class IngestParams(StageParams):
    """Params of stage ingest."""

    seed: Seed
    data: Data
    demo: Demo
    engine: Engine


class FilterParams(StageParams):
    """Params of stage filter."""

    engine: Engine
