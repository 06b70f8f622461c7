"""Where and how numbers are computed; shared by every stage that uses torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Section


class Compute(Section):
    """Section ``compute``."""

    threads: int = Field(ge=1, le=256)
    """CPU threads, 1 to 256. Part of the result: sums are split by thread."""

    device: Literal["cpu", "cuda", "mps", "auto"]
    """Where encoder, GNN and networks are computed; auto: on a GPU where torch finds one, else the CPU.
    Only the CPU gives the same bytes each time."""
