"""Which table engine does the relational work."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Section


class Engine(Section):
    """Section ``engine``."""

    backend: Literal["duckdb", "spark"]
    """duckdb: in this process. spark: a Spark session, for ratings that outgrow one machine."""

    url: str
    """Spark master, such as ``local[2]`` or ``spark://host:7077``; read with spark only."""

    memory_mb: int = Field(ge=64)
    """Memory that the engine may use before it spills to disk, in MB, 64 or more; of Spark, its driver's,
    512 at least."""
