"""What every source hands to stage ingest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np

from reelgraph.schemas.checking import Locate, row_number


@dataclass(frozen=True)
class Source:
    """Catalogue and ratings, unchecked, with the SPEC's column names."""

    catalog: ir.Table
    ratings: ir.Table
    catalog_where: str
    """File to name in errors about the catalogue."""
    ratings_where: str
    """File to name in errors about the ratings."""
    locate_rating: Locate = row_number
    """Names a row of the ratings' file."""
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    """What is known of generated data and never of real data."""
    notes: tuple[str, ...] = ()
    """Counts for the summary line: what was joined, skipped, malformed."""
