"""Source movielens: a folder of GroupLens, with TMDB's files beside it or without.

Without TMDB a movie has its title, year, first genre, and an overview put together
from title, other titles, year, all genres and the tags that people gave it most:
``The Postman, also known as Il Postino, of 1994. Comedy, Drama, Romance. Tagged poetry, italy.``
With TMDB each field comes from there, and these serve where TMDB has none.
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

from reelgraph.core.table_engine import collect
from reelgraph.schemas.contract import Contract
from reelgraph.schemas.tables import CATALOG, RATINGS
from reelgraph.sources import csv_errors, movielens_files, titles, tmdb
from reelgraph.sources.arrow_text import ArrowColumn, add_prefix, blank_to_null, join_nonnull, null_where
from reelgraph.sources.delimited import DelimitedFile, read_batches, read_table
from reelgraph.sources.source import Source, Staging

TAGS = 5
"""Tags of a movie at most."""

NO_GENRE = ("", "(no genres listed)", "unknown")

IDENTITY = Contract(columns=CATALOG.columns[:1], key=CATALOG.key)
"""What the movie file itself must keep, asked before joins hide its lines."""


def read_movielens(
    staging: Staging, folder: Path, tmdb_folder: Path, split_files: Sequence[str] = ()
) -> Source:
    """Read an edition of MovieLens, joined to TMDB where ``tmdb_folder`` has its files.

    Args:
        staging: where tables pass to the engine.
        folder: the edition.
        tmdb_folder: TMDB's files, or none.
        parts: names of the files with the training and the test ratings of a published split; empty: the
            edition's own ratings.

    Raises:
        InputError: files are missing or malformed, or a movie's id is missing or there twice.
    """
    files = movielens_files.find_movielens_files(folder)
    rated = [replace(files.ratings, path=folder / name) for name in split_files] or [files.ratings]
    schema = RATINGS.with_optional(("test",) if split_files else ()).file_schema
    ratings = staging.stage_table("ml_ratings", _ratings(rated, schema), schema)
    movies = files.read_movies()
    IDENTITY.validate(staging.stage_table("ml_ids", movies), str(files.movies.path),
                     partial(csv_errors.line_of_row, files.movies))  # fmt: skip
    own = _described(_with_tags(staging, movies, files.tags))
    catalog, notes = tmdb.join_tmdb(staging, own, _links(files.links), tmdb_folder)
    return Source(catalog, ratings, str(files.movies.path), " and ".join(str(file.path) for file in rated),
                  partial(csv_errors.line_in_files, rated), notes=notes)  # fmt: skip


def _ratings(files: Sequence[DelimitedFile], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files; where the schema has ``test``, it is true of the second's."""
    for part, file in enumerate(files):
        for batch in read_batches(file):
            parted = batch.append_column("test", pa.repeat(pa.scalar(part == 1), len(batch)))
            yield parted.select(schema.names)


def _links(file: DelimitedFile | None) -> pa.Table | None:
    return None if file is None else read_table(file)


def _with_tags(staging: Staging, movies: pa.Table, tags: DelimitedFile | None) -> pa.Table:
    """Add the column ``tags``, text, null where a movie has none; order by movieId."""
    if tags is None:
        return movies.append_column("tags", pa.nulls(len(movies), pa.string())).sort_by("movieId")
    given = staging.stage_table("ml_tags", _lowered(tags), tags.schema)
    known = staging.stage_table("ml_movies", movies)
    both = known.left_join(_most_given(given), "movieId").drop("movieId_right").order_by("movieId")
    table = collect(both, str(tags.path))
    ranks = [table[f"tag_{rank}"] for rank in range(TAGS)]
    return table.append_column("tags", join_nonnull(ranks, ", ")).drop_columns(
        [f"tag_{rank}" for rank in range(TAGS)]
    )


def _lowered(tags: DelimitedFile) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(tags):
        plain = pc.utf8_lower(pc.utf8_trim_whitespace(batch["tag"]))
        yield pa.record_batch([batch["movieId"], plain], schema=tags.schema)


def _most_given(tags: ir.Table) -> ir.Table:
    """Return movieId, tag_0 … tag_4: the tags given most often, ties in the alphabet's order."""
    given = tags.filter(tags.tag != "")
    counted = given.group_by("movieId", "tag").aggregate(times=given.count())
    order = [ibis.desc("times"), "tag"]
    ranked = counted.mutate(place=ibis.row_number().over(group_by="movieId", order_by=order))
    places = {f"tag_{rank}": ranked.tag.max(where=ranked.place == rank) for rank in range(TAGS)}
    return ranked.group_by("movieId").aggregate(**places)


def _described(movies: pa.Table) -> pa.Table:
    """Return the SPEC's columns that MovieLens can fill, and ``others``, the other titles."""
    named = titles.split_titles(movies["title"])
    listed = pc.utf8_trim_whitespace(movies["genres"])
    genres = null_where(listed, pc.is_in(listed, pa.array(NO_GENRE)))
    year = pc.coalesce(named["year"], _year(movies["released"]))
    return pa.table({
        "movieId": movies["movieId"],
        "original_title": named["name"],
        "overview": _overview(named, year, genres, movies["tags"]),
        "genre_1": pc.replace_substring_regex(genres, r"\|.*$", ""),
        "release_year": year,
        "others": named["others"],
    })  # fmt: skip


def _overview(named: pa.Table, year: ArrowColumn, genres: ArrowColumn, tags: ArrowColumn) -> ArrowColumn:
    others = blank_to_null(named["others"])
    also = add_prefix("also known as ", pc.replace_substring(others, "|", ", "))
    name = blank_to_null(named["name"])
    first = join_nonnull([name, also, add_prefix("of ", pc.cast(year, pa.string()))], ", ")
    sentences = [first, pc.replace_substring(genres, "|", ", "), add_prefix("Tagged ", tags)]
    return pc.binary_join_element_wise(join_nonnull(sentences, ". "), ".", "")


def _year(dates: ArrowColumn) -> ArrowColumn:
    """Take the year from 100K's dates, such as 01-Jan-1995; null elsewhere."""
    found = pc.struct_field(pc.extract_regex(dates, r"(?P<year>1[89]\d\d|2[01]\d\d)$"), "year")
    return pc.cast(found, pa.int64())
