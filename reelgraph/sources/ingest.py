"""Stage ingest: opens and validates the data source, and cleans the catalogue's text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.columns import ENTITY_COLUMNS, TEXT_COLUMNS
from reelgraph.core.schemas.tables import CATALOG, RATINGS
from reelgraph.core.table_engine import collect, connect, stream
from reelgraph.params.data import IngestParams
from reelgraph.runtime.errors import InputError
from reelgraph.sources.missing_values import is_missing
from reelgraph.sources.source import Staging, open_source
from reelgraph.sources.tables import NEW_IDS_REMEDY, open_new_movies

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
    conversions: Mapping[str, int]
    """What was converted → number of values, zeros included."""
    notes: tuple[str, ...]
    """Counts and warnings for the summary line."""

    @property
    def rating_schema(self) -> pa.Schema:
        """File columns of the contract, and ``test`` where the source has it."""
        return RATINGS.with_optional(self.ratings.columns).file_schema

    def rating_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the ordered ratings, never all in memory."""
        return stream(RATINGS.with_optional(self.ratings.columns).to_file(self.ratings), self.rating_schema)


CONVERSIONS = (
    "user_ids_from_text", "movie_ids_from_text", "ratings_from_another_scale", "ratings_rounded",
    "timestamps_from_dates", "timestamps_from_milliseconds", "timestamps_from_microseconds",
    "timestamps_from_nanoseconds", "timestamps_from_day_numbers", "timestamps_from_file_order",
    "missing_value_markers",
)  # fmt: skip
"""Conversions that are counted."""


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
    catalog = CATALOG.validate(source.catalog, source.catalog_location, source.locate_movie)
    ratings = RATINGS.validate(source.ratings, source.ratings_location, source.locate_rating)
    contract = CATALOG.with_optional(catalog.columns)
    movies = collect(contract.to_file(catalog.order_by("movie_id")), source.catalog_location)
    cleaned = clean_text(movies)
    markers = {"missing_value_markers": count_markers(movies)}
    conversions = {**dict.fromkeys(CONVERSIONS, 0), **source.conversions, **markers}
    # The key makes this order total, so the result does not depend on the order of the source.
    ordered = ratings.order_by("user_id", "timestamp", "movie_id")
    notes = (*source.notes, *_format_conversions(conversions), *_warn_about_gaps(cleaned))
    return IngestedData(cleaned, ordered, source.truth, conversions, notes)


def read_new_movies(location: str, staging: Staging) -> pa.Table:
    """Read a catalogue alone, validated and cleaned as by ``ingest``; with the names of the code.

    Raises:
        InputError: see ``open_new_movies``; a row violates the contract; or a movieId is negative, by which
            no command finds the movie.
    """
    table, locate = open_new_movies(location, staging)
    catalog = CATALOG.validate(table, location, locate)
    movies = clean_text(collect(CATALOG.to_file(catalog.order_by("movie_id")), location))
    lowest = movies["movieId"][0].as_py()
    if lowest < 0:
        raise InputError(f"{location}: movieId", "numbers of 0 or more", str(lowest), NEW_IDS_REMEDY)
    return movies.rename_columns([column.name for column in CATALOG.columns])


def clean_text(catalog: pa.Table) -> pa.Table:
    """Return the catalogue with stripped text, without NUL characters, and null for blank text.

    Markers of missing values such as ``nan`` are null, too. Names are normalized (NFC, single spaces), so
    that each has one spelling.

    Args:
        catalog: file columns of the contract.
    """
    schema = CATALOG.with_optional(catalog.column_names).file_schema
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
    is_null = pc.or_(pc.equal(text, ""), is_missing(text, field.name))
    return pc.if_else(is_null, pa.scalar(None, field.type), text)


def count_markers(catalog: pa.Table) -> int:
    """Return the number of cells with a marker of a missing value in the catalogue's text columns."""
    counts = [pc.sum(is_missing(pc.cast(catalog[name], pa.string()), name)).as_py() or 0
              for name in TEXT_COLUMNS]  # fmt: skip
    return sum(counts)


def _format_conversions(conversions: Mapping[str, int]) -> tuple[str, ...]:
    counts = [f"{count:,} {name.replace('_', ' ')}" for name, count in conversions.items() if count]
    return (f"converted: {', '.join(counts)}",) if counts else ()


def _warn_about_gaps(catalog: pa.Table) -> tuple[str, ...]:
    """Warn if no movie has a text, or if a relation has no entity; both may be misspelt columns."""
    gaps = [entity_type for entity_type, names in ENTITY_COLUMNS.items() if _is_empty(catalog, names)]
    if _is_empty(catalog, ("tagline", "overview")):
        gaps.insert(0, "tagline or overview")
    return (f"warning: no movie has any {', '.join(gaps)}",) if gaps else ()


def _is_empty(catalog: pa.Table, names: Iterable[str]) -> bool:
    return all(catalog[name].null_count == len(catalog) for name in names)
