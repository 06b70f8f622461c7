"""What every source hands to stage ingest."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir


@dataclass(frozen=True)
class Source:
    """Catalogue and ratings, unchecked, with the SPEC's column names."""

    catalog: ir.Table
    ratings: ir.Table
    catalog_where: str
    """File to name in errors about the catalogue."""
    ratings_where: str
    """File to name in errors about the ratings."""
