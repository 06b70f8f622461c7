"""Stage ingest: opens and validates the data source, and cleans the catalogue's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.core.schemas.tables import CATALOG, RATINGS
from reelgraph.core.table_engine import collect, connect, stream
from reelgraph.params.data import IngestParams
from reelgraph.sources.source import Staging, open_source

NAME_COLUMNS = ("original_title", *(name for columns in ENTITY_COLUMNS.values() for name in columns))
"""Columns in which white space becomes a single space; other columns keep their line breaks."""

WHITESPACE = r"[\x01-\x20\x7f-\xa0\p{Z}]+"
"""White space of all scripts, and control characters."""

PADDING = r"[\x01-\x20\x7f-\xa0\p{Z}\x{200b}\x{2060}\x{feff}]+"
"""White space, control characters and zero-width characters, removed at both ends of a text."""


@dataclass(frozen=True)
class IngestedData:
    """The validated catalogue and ratings; the ratings are read lazily."""

    catalog: pa.Table
    """File columns of the contract, ordered by movieId; text is clean, missing values are null."""
    ratings: ir.Table
    """Column names of the code, ordered by user, timestamp, movie."""
    truth: Mapping[str, np.ndarray]
    """Ground truth of generated data; empty for real data."""
    notes: tuple[str, ...]
    """Counts for the summary line."""

    @property
    def rating_schema(self) -> pa.Schema:
        """File columns of the contract, and ``test`` where the source has it."""
        return RATINGS.with_optional(self.ratings.columns).file_schema

    def rating_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the ordered ratings, never all in memory."""
        return stream(RATINGS.with_optional(self.ratings.columns).to_file(self.ratings), self.rating_schema)


def ingest(params: IngestParams, scratch: Path) -> IngestedData:
    """Open, validate and clean the source.

    Args:
        params: sections data, demo, engine and the root seed.
        scratch: an empty folder, needed until the ratings have been read.

    Raises:
        InputError: a file of the source is missing, malformed or violates its contract.
        PackageError: the engine is not installed or out of memory.
    """
    source = open_source(params, Staging(connect(params.engine), scratch))
    catalog = CATALOG.validate(source.catalog, source.catalog_location)
    ratings = RATINGS.validate(source.ratings, source.ratings_location, source.locate_rating)
    movies = collect(CATALOG.to_file(catalog.order_by("movie_id")), source.catalog_location)
    # The key makes this order total, so the result does not depend on the order of the source.
    ordered = ratings.order_by("user_id", "timestamp", "movie_id")
    return IngestedData(clean_text(movies), ordered, source.truth, source.notes)


def clean_text(catalog: pa.Table) -> pa.Table:
    """Return the catalogue with stripped text, without NUL characters, and null for blank text.

    Names are normalized (NFC, single spaces), so that each has one spelling.

    Args:
        catalog: file columns of the contract.
    """
    schema = CATALOG.file_schema
    columns = [_clean_column(catalog[field.name], field) for field in schema]
    return pa.table(columns, schema=schema)


def _clean_column(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    column = pc.cast(column, field.type)
    if not pa.types.is_string(field.type):
        return column
    text = pc.replace_substring(column, "\0", "")
    if field.name in NAME_COLUMNS:
        text = pc.utf8_normalize(pc.replace_substring_regex(text, WHITESPACE, " "), "NFC")
    text = pc.replace_substring_regex(text, f"^{PADDING}|{PADDING}$", "")
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, field.type), text)
