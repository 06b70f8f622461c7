"""Source movielens: a folder in GroupLens' layout, optionally joined with TMDB files.

Without TMDB a movie has its title, year, first genres, and an overview composed of title,
alternative titles, year, all genres and its most frequent tags:
``The Postman, also known as Il Postino, of 1994. Comedy, Drama, Romance. Tagged poetry, italy.``
With TMDB, these values serve where TMDB has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.contract import Contract
from reelgraph.core.schemas.tables import CATALOG, RATINGS
from reelgraph.core.table_engine import collect
from reelgraph.params.data import IngestParams
from reelgraph.sources.conversions import CellError, Counts
from reelgraph.sources.delimited import DelimitedFile, line_in_files, line_of_row, read_batches
from reelgraph.sources.movielens_files import find_movielens_files
from reelgraph.sources.source import Source, Staging
from reelgraph.sources.timestamps import TimestampConverter
from reelgraph.sources.titles import (
    ArrowColumn,
    add_prefix,
    empty_to_null,
    join_nonnull,
    null_where,
    split_titles,
)
from reelgraph.sources.tmdb import join_tmdb

MAX_TAGS = 5
"""Largest number of tags in an overview."""

NO_GENRE = ("", "(no genres listed)", "unknown")

KEY_CONTRACT = Contract(columns=CATALOG.columns[:1], key=CATALOG.key)
"""Contract of the movie file's ids, validated before joins lose the line numbers."""


def open_source(params: IngestParams, staging: Staging) -> Source:
    """Read the folder ``data.movielens``, the split files ``data.base`` and ``data.test``, and ``data.tmdb``.

    Raises:
        InputError: files are missing or malformed, or a movie id is missing or duplicated.
    """
    data = params.data
    split_files = (data.base, data.test) if data.base else ()
    return read_movielens(staging, Path(data.movielens), Path(data.tmdb), split_files)


def read_movielens(
    staging: Staging, folder: Path, tmdb_folder: Path, split_files: Sequence[str] = ()
) -> Source:
    """Read a MovieLens edition, joined with TMDB where ``tmdb_folder`` has its files.

    Args:
        staging: passes tables to the engine.
        folder: folder of the edition.
        tmdb_folder: folder with TMDB files; it may be empty or missing.
        split_files: names of the files with the training and the test ratings of a published split;
            empty: the edition's ratings file.

    Raises:
        InputError: files are missing or malformed, or a movie id is missing or duplicated.
    """
    files = find_movielens_files(folder)
    rating_files = [replace(files.ratings, path=folder / name) for name in split_files] or [files.ratings]
    counts = Counts()
    schema = RATINGS.with_optional(("test",) if split_files else ()).file_schema
    ratings = staging.stage_table("ml_ratings", _rating_batches(rating_files, schema, counts), schema)
    movies = files.read_movies()
    KEY_CONTRACT.validate(staging.stage_table("ml_ids", movies), str(files.movies.path),
                     partial(line_of_row, files.movies))  # fmt: skip
    described = _describe(_add_tags(staging, movies, files.tags))
    catalog, notes = join_tmdb(
        staging, described, files.read_links(), folder if files.has_tmdb else tmdb_folder
    )
    return Source(
        catalog,
        ratings,
        catalog_location=str(files.movies.path),
        ratings_location=" and ".join(str(file.path) for file in rating_files),
        locate_rating=partial(line_in_files, rating_files),
        conversions=counts,
        notes=notes,
    )


def _rating_batches(
    files: Sequence[DelimitedFile], schema: pa.Schema, counts: Counts
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files; column ``test``, if in the schema, is true in the second file."""
    for index, file in enumerate(files):
        for batch in _read_ratings(file, counts):
            with_split = batch.append_column("test", pa.repeat(pa.scalar(index == 1), len(batch)))
            yield with_split.select(schema.names)


def _read_ratings(file: DelimitedFile, counts: Counts) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file; dates become seconds."""
    if not pa.types.is_string(file.columns["timestamp"]):
        yield from read_batches(file)
        return
    first_row = 0
    position = list(file.columns).index("timestamp")
    for batch in read_batches(file):
        try:
            seconds = TimestampConverter(0).convert(batch["timestamp"], counts)
        except CellError as error:
            locate = partial(line_of_row, file)
            raise error.to_input_error(file.path, locate, first_row, "timestamp") from None
        first_row += len(batch)
        yield batch.set_column(position, "timestamp", seconds)


def _add_tags(staging: Staging, movies: pa.Table, tags: DelimitedFile | None) -> pa.Table:
    """Add column ``tags``: the most frequent tags, null where a movie has none; order by movieId."""
    if tags is None:
        return movies.append_column("tags", pa.nulls(len(movies), pa.string())).sort_by("movieId")
    tag_table = staging.stage_table("ml_tags", _lowercase_tags(tags), tags.schema)
    movie_table = staging.stage_table("ml_movies", movies)
    joined = movie_table.left_join(_most_frequent(tag_table), "movieId").drop("movieId_right")
    table = collect(joined.order_by("movieId"), str(tags.path))
    columns = [f"tag_{rank}" for rank in range(MAX_TAGS)]
    joined_tags = join_nonnull([table[column] for column in columns], ", ")
    return table.append_column("tags", joined_tags).drop_columns(columns)


def _lowercase_tags(tags: DelimitedFile) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(tags):
        normalized = pc.utf8_lower(pc.utf8_trim_whitespace(batch["tag"]))
        yield pa.record_batch([batch["movieId"], normalized], schema=tags.schema)


def _most_frequent(tags: ir.Table) -> ir.Table:
    """Return movieId, tag_0 … tag_4: each movie's most frequent tags, ties in alphabetical order."""
    nonblank = tags.filter(tags.tag != "")
    counted = nonblank.group_by("movieId", "tag").aggregate(times=nonblank.count())
    order = [ibis.desc("times"), "tag"]
    ranked = counted.mutate(rank=ibis.row_number().over(group_by="movieId", order_by=order))
    columns = {f"tag_{rank}": ranked.tag.max(where=ranked["rank"] == rank) for rank in range(MAX_TAGS)}
    return ranked.group_by("movieId").aggregate(**columns)


def _describe(movies: pa.Table) -> pa.Table:
    """Return the catalogue's columns that MovieLens can fill, and ``others``, the alternative titles."""
    titles = split_titles(movies["title"])
    genre_list = pc.utf8_trim_whitespace(movies["genres"])
    genres = null_where(genre_list, pc.is_in(genre_list, pa.array(NO_GENRE)))
    year = pc.coalesce(titles["year"], _year(movies["released"]))
    return pa.table({
        "movieId": movies["movieId"],
        "original_title": titles["name"],
        "overview": _overview(titles, year, genres, movies["tags"]),
        "genres": genres,
        "release_year": year,
        "others": titles["others"],
    })  # fmt: skip


def _overview(titles: pa.Table, year: ArrowColumn, genres: ArrowColumn, tags: ArrowColumn) -> ArrowColumn:
    alternatives = empty_to_null(titles["others"])
    also_known_as = add_prefix("also known as ", pc.replace_substring(alternatives, "|", ", "))
    name = empty_to_null(titles["name"])
    title = join_nonnull([name, also_known_as, add_prefix("of ", pc.cast(year, pa.string()))], ", ")
    sentences = [title, pc.replace_substring(genres, "|", ", "), add_prefix("Tagged ", tags)]
    return pc.binary_join_element_wise(join_nonnull(sentences, ". "), ".", "")


def _year(dates: ArrowColumn) -> ArrowColumn:
    """Return the year of 100K's dates, such as 01-Jan-1995; null for other text."""
    year = pc.struct_field(pc.extract_regex(dates, r"(?P<year>1[89]\d\d|2[01]\d\d)$"), "year")
    return pc.cast(year, pa.int64())
