"""Stage ingest: opens the source that ``data.source`` names, checks it, cleans its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.table_engine import collect, connect, stream
from reelgraph.params.data import IngestParams
from reelgraph.schemas.columns import ENTITY_COLUMNS
from reelgraph.schemas.tables import CATALOG, RATINGS
from reelgraph.sources.demo.generate import generate_demo
from reelgraph.sources.movielens import read_movielens
from reelgraph.sources.source import Source, Staging
from reelgraph.sources.tables import open_tables

NAMES = ("original_title", *(name for columns in ENTITY_COLUMNS.values() for name in columns))
"""Columns in which any white space is one space; the others keep their line breaks."""

SPACE = r"[\x01-\x20\x7f-\xa0\p{Z}]+"
"""White space of any script, and control characters."""

EDGE = r"[\x01-\x20\x7f-\xa0\p{Z}\x{200b}\x{2060}\x{feff}]+"
"""These and signs of no width, which mean something between other signs only."""


@dataclass(frozen=True)
class IngestedData:
    """Both tables, checked; the ratings are not computed yet."""

    catalog: pa.Table
    """The SPEC's columns, by movieId; text clean, missing is null."""
    ratings: ir.Table
    """The code's names, by user, timestamp, movie."""
    truth: Mapping[str, np.ndarray]
    """What is known of generated data; empty for real data."""
    notes: tuple[str, ...]
    """Counts for the summary line."""

    @property
    def rating_schema(self) -> pa.Schema:
        """The SPEC's columns, and ``test`` where the source has it."""
        return RATINGS.with_optional(self.ratings.columns).file_schema

    def rating_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the ratings, ordered; never all in memory."""
        return stream(RATINGS.with_optional(self.ratings.columns).to_file(self.ratings), self.rating_schema)


def ingest(params: IngestParams, scratch: Path) -> IngestedData:
    """Open, check and clean the source.

    Args:
        params: sections data, demo, engine and the root seed.
        scratch: an empty folder that outlives the result.

    Raises:
        InputError: a file of the source is missing, malformed or breaks its contract.
        PackageError: the engine is not installed or out of memory.
    """
    source = _source(params, Staging(connect(params.engine), scratch))
    catalog = CATALOG.validate(source.catalog, source.catalog_location)
    ratings = RATINGS.validate(source.ratings, source.ratings_location, source.locate_rating)
    movies = collect(CATALOG.to_file(catalog.order_by("movie_id")), source.catalog_location)
    # The key makes this order total, so the rows' order in the source leaves no trace.
    ordered = ratings.order_by("user_id", "timestamp", "movie_id")
    return IngestedData(clean_text(movies), ordered, source.truth, source.notes)


def _source(params: IngestParams, staging: Staging) -> Source:
    data = params.data
    if data.source == "tables":
        return open_tables(staging.connection, data.catalog, data.ratings)
    if data.source == "movielens":
        parts = (data.base, data.test) if data.base else ()
        return read_movielens(staging, Path(data.movielens), Path(data.tmdb), parts)
    made = generate_demo(params.demo, params.seed)
    return Source(
        catalog=staging.stage_table("demo_catalog", made.catalog),
        ratings=staging.stage_table("demo_ratings", made.ratings),
        catalog_location="the generated catalogue",
        ratings_location="the generated ratings",
        truth=made.truth,
    )


def clean_text(catalog: pa.Table) -> pa.Table:
    """Return the catalogue with its text stripped, blank text null, no NUL; a name has one spelling.

    Names are composed (NFC) and in single spaces.

    Args:
        catalog: the SPEC's columns.
    """
    schema = CATALOG.file_schema
    columns = [_clean(catalog[field.name], field) for field in schema]
    return pa.table(columns, schema=schema)


def _clean(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    column = pc.cast(column, field.type)
    if not pa.types.is_string(field.type):
        return column
    text = pc.replace_substring(column, "\0", "")
    if field.name in NAMES:
        text = pc.utf8_normalize(pc.replace_substring_regex(text, SPACE, " "), "NFC")
    text = pc.replace_substring_regex(text, f"^{EDGE}|{EDGE}$", "")
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, field.type), text)
