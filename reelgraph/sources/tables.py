"""Source tables: a catalogue and ratings, each a parquet or CSV file, or a folder of them.

Parquet with the columns of the data contracts is left to the table engine. Other files are converted
first: CSV, ids given as text, dates, milliseconds, scales other than half stars, and ratings without time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import ibis.expr.types as ir
import pyarrow as pa

from reelgraph.core.schemas.columns import CATALOG_COLUMNS
from reelgraph.core.schemas.row_validation import MAX_SHOWN_CHARS, RowLocator
from reelgraph.core.table_engine import collect, read_parquet
from reelgraph.params.data import Data, IngestParams
from reelgraph.runtime.errors import InputError
from reelgraph.sources.conversions import (
    CellError,
    Converter,
    Counts,
    FlagConverter,
    IdCollector,
    IdConverter,
    NumberConverter,
    RatingConverter,
    first_text,
    trimmed_texts,
)
from reelgraph.sources.source import Source, Staging
from reelgraph.sources.table_files import (
    TableFiles,
    check_file_kind,
    find_csv_paths,
    open_csv_files,
    open_parquet_files,
)
from reelgraph.sources.timestamps import FileOrderConverter, TimestampConverter, detect_timestamps

CATALOG_NAMES = tuple(column.name_in_file for column in CATALOG_COLUMNS)

RATING_NAMES = ("userId", "movieId", "rating", "timestamp", "test")

SOURCE_IDS = {"userId": "sourceUserId", "movieId": "sourceMovieId"}
"""Column of ids → column with their texts in the source, if they are numbered."""

NEW_IDS_REMEDY = "Number the movies; no number may be one of the model's."

MAX_SHOWN_NAMES = 5
"""Columns that the summary line names as not read."""


@dataclass(frozen=True)
class InputTable:
    """A table of the user: its files, and the engine's view of them if they are parquet."""

    location: str
    files: TableFiles
    engine_table: ir.Table | None
    names: tuple[str, ...]
    """The known columns that it has."""
    id_name: str
    """Column of ids whose texts are retained if they are numbered."""

    def read_column(self, name: str) -> Iterator[pa.Array]:
        """Yield the batches of one column; nothing if the table lacks it."""
        if name in self.names:
            for batch in self.files.read_batches([name]):
                yield batch.column(0)

    def has_text(self, name: str) -> bool:
        """Return whether a column is text; in a CSV file all are."""
        if self.engine_table is None:
            return name in self.names
        return name in self.names and self.engine_table[name].type().is_string()

    def needs_id_conversion(self, name: str) -> bool:
        """Return whether the ids of a column are anything but integers."""
        if self.engine_table is None:
            return name in self.names
        return name in self.names and not self.engine_table[name].type().is_integer()


def open_source(params: IngestParams, staging: Staging) -> Source:
    """Open the files that ``data.catalog`` and ``data.ratings`` name, and convert what needs it.

    Raises:
        InputError: a file is missing, or neither parquet nor CSV; or a cell cannot be converted.
    """
    data = params.data
    catalog = _open_table(staging, data.catalog, CATALOG_NAMES, ("movieId",))
    ratings = _open_table(staging, data.ratings, RATING_NAMES, ("userId", "movieId", "rating"))
    counts = Counts()
    user_ids = _id_converter("userId", ratings)
    movie_ids = _id_converter("movieId", catalog, ratings)
    for name, ids in {"user_ids_from_text": user_ids, "movie_ids_from_text": movie_ids}.items():
        if ids and ids.texts is not None:
            counts[name] = len(ids.texts)
    return Source(
        catalog=_convert(staging, catalog, _catalog_converters(catalog, movie_ids), counts),
        ratings=_convert(staging, ratings, _rating_converters(ratings, data, user_ids, movie_ids), counts),
        catalog_location=data.catalog,
        ratings_location=data.ratings,
        locate_movie=catalog.files.locate,
        locate_rating=ratings.files.locate,
        conversions=counts,
        notes=(*_note_unread_columns(catalog), *_note_unread_columns(ratings)),
    )


def open_new_movies(location: str, staging: Staging) -> tuple[ir.Table, RowLocator]:
    """Open a catalogue alone; return it with what names the location of a row.

    Raises:
        InputError: the file is missing, or neither parquet nor CSV; it has a column that the catalogue
            lacks; it has no rows; or a movieId is not a whole number.
    """
    table = _open_table(staging, location, CATALOG_NAMES, ("movieId",))
    if unknown := [name for name in table.files.column_names if name not in CATALOG_NAMES]:
        raise InputError(location, f"only columns of {', '.join(CATALOG_NAMES)}", ", ".join(unknown),
                         "Rename or remove them.")  # fmt: skip
    movie_ids = _id_converter("movieId", table)
    if movie_ids and movie_ids.texts is not None:
        raise InputError(f"{location}: movieId", "whole numbers of at most 18 digits",
                         repr(first_text(movie_ids.texts)[:MAX_SHOWN_CHARS]), NEW_IDS_REMEDY)  # fmt: skip
    return _convert(staging, table, _catalog_converters(table, movie_ids), Counts()), table.files.locate


def _open_table(staging: Staging, location: str, known: Sequence[str], required: Sequence[str]) -> InputTable:
    if csv_paths := find_csv_paths(location):
        files = open_csv_files(csv_paths, known, required)
        engine_table = None
    else:
        check_file_kind(location)
        engine_table = read_parquet(staging.connection, location)
        files = open_parquet_files(location)
    names = tuple(name for name in known if name in files.column_names)
    return InputTable(location, files, engine_table, names, required[0])


def _id_converter(name: str, *tables: InputTable) -> IdConverter | None:
    """Return one converter for the ids of all tables; None if all of them are integers already."""
    if not any(table.needs_id_conversion(name) for table in tables):
        return None
    collector = IdCollector(name)
    for table in tables:
        for column in table.read_column(name):
            collector.add(column)
    return collector.converter()


def _catalog_converters(table: InputTable, movie_ids: IdConverter | None) -> dict[str, Converter]:
    converters: dict[str, Converter] = {"movieId": movie_ids} if movie_ids else {}
    for name in ("release_year", "runtime_minutes"):
        if table.has_text(name):
            converters[name] = NumberConverter()
    return converters


def _rating_converters(
    table: InputTable, data: Data, user_ids: IdConverter | None, movie_ids: IdConverter | None
) -> dict[str, Converter]:
    converters: dict[str, Converter] = {}
    if user_ids:
        converters["userId"] = user_ids
    if movie_ids:
        converters["movieId"] = movie_ids
    if table.has_text("rating") or data.scale != "0.5-5":
        converters["rating"] = RatingConverter(data.scale)
    if table.engine_table is None and "test" in table.names:
        converters["test"] = FlagConverter()
    if data.order == "file":
        converters["timestamp"] = FileOrderConverter()
    elif converter := _timestamp_converter(table):
        converters["timestamp"] = converter
    return converters


def _timestamp_converter(table: InputTable) -> Converter | None:
    """Return the converter of a column of timestamps; None if it is missing or in seconds."""
    if "timestamp" not in table.names:
        return None
    if table.engine_table is None or not table.engine_table["timestamp"].type().is_integer():
        return detect_timestamps(table.read_column("timestamp"))
    times = table.engine_table["timestamp"]
    bounds = collect(table.engine_table.aggregate(low=times.min(), high=times.max()), table.location)
    converter = detect_timestamps([pa.concat_arrays([*bounds["low"].chunks, *bounds["high"].chunks])])
    return None if converter == TimestampConverter() else converter


def _convert(
    staging: Staging, table: InputTable, converters: Mapping[str, Converter], counts: Counts
) -> ir.Table:
    """Return the table in the engine; it is copied only if a column is converted.

    Raises:
        InputError: the table has no rows, or a cell cannot be converted.
    """
    if table.engine_table is not None and not converters:
        return table.engine_table
    batches = _converted_batches(table, converters, counts)
    first = next(batches, None)
    if first is None:
        raise InputError(table.location, "at least one row", "none", "Check that the file is complete.")
    return staging.stage_table(f"tables_{table.id_name}", chain([first], batches), first.schema)


def _converted_batches(
    table: InputTable, converters: Mapping[str, Converter], counts: Counts
) -> Iterator[pa.RecordBatch]:
    """Yield the known columns, converted, and the texts of ids that are numbered."""
    first_row = 0
    for batch in table.files.read_batches(table.names):
        columns = dict(zip(table.names, batch.columns, strict=True))
        for name, converter in converters.items():
            # Ratings without a column timestamp can be in the order of the file.
            column = columns.get(name, columns[table.id_name])
            try:
                columns[name] = converter.convert(column, counts)
            except CellError as error:
                raise error.to_input_error(table.location, table.files.locate, first_row, name) from None
            if name == table.id_name and isinstance(converter, IdConverter) and converter.texts is not None:
                columns[SOURCE_IDS[name]] = trimmed_texts(column, name)
        first_row += len(batch)
        yield pa.RecordBatch.from_pydict(columns)


def _note_unread_columns(table: InputTable) -> tuple[str, ...]:
    unread = [name for name in table.files.column_names if name.strip() and name not in table.names]
    if not unread:
        return ()
    shown = ", ".join(unread[:MAX_SHOWN_NAMES])
    more = f" and {len(unread) - MAX_SHOWN_NAMES:,} more" if len(unread) > MAX_SHOWN_NAMES else ""
    return (f"columns not read: {shown}{more}",)
