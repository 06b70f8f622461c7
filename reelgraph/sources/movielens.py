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
from reelgraph.schemas.catalog import CATALOG
from reelgraph.schemas.contract import Contract
from reelgraph.schemas.ratings import RATINGS
from reelgraph.sources import bad_cells, movielens_files, titles, tmdb
from reelgraph.sources.columns import Values, blank_to_null, joined, or_null, prefixed
from reelgraph.sources.source import Source
from reelgraph.sources.staging import Staging
from reelgraph.sources.text_files import TextFile, batches, read

TAGS = 5
"""Tags of a movie at most."""

NO_GENRE = ("", "(no genres listed)", "unknown")

IDENTITY = Contract(columns=CATALOG.columns[:1], key=CATALOG.key)
"""What the movie file itself must keep, asked before joins hide its lines."""


def movielens(staging: Staging, folder: Path, tmdb_folder: Path, parts: Sequence[str] = ()) -> Source:
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
    files = movielens_files.find(folder)
    rated = [replace(files.ratings, path=folder / name) for name in parts] or [files.ratings]
    schema = RATINGS.having(("test",) if parts else ()).file_schema
    ratings = staging.table("ml_ratings", _ratings(rated, schema), schema)
    movies = files.read_movies()
    IDENTITY.checked(staging.table("ml_ids", movies), str(files.movies.path),
                     partial(bad_cells.line_of, files.movies))  # fmt: skip
    own = _described(_with_tags(staging, movies, files.tags))
    catalog, notes = tmdb.joined(staging, own, _links(files.links), tmdb_folder)
    return Source(catalog, ratings, str(files.movies.path), " and ".join(str(file.path) for file in rated),
                  partial(bad_cells.line_among, rated), notes=notes)  # fmt: skip


def _ratings(files: Sequence[TextFile], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of all files; where the schema has ``test``, it is true of the second's."""
    for part, file in enumerate(files):
        for batch in batches(file):
            parted = batch.append_column("test", pa.repeat(pa.scalar(part == 1), len(batch)))
            yield parted.select(schema.names)


def _links(file: TextFile | None) -> pa.Table | None:
    return None if file is None else read(file)


def _with_tags(staging: Staging, movies: pa.Table, tags: TextFile | None) -> pa.Table:
    """Add the column ``tags``, text, null where a movie has none; order by movieId."""
    if tags is None:
        return movies.append_column("tags", pa.nulls(len(movies), pa.string())).sort_by("movieId")
    given = staging.table("ml_tags", _lowered(tags), tags.schema)
    known = staging.table("ml_movies", movies)
    both = known.left_join(_most_given(given), "movieId").drop("movieId_right").order_by("movieId")
    table = collect(both, str(tags.path))
    ranks = [table[f"tag_{rank}"] for rank in range(TAGS)]
    return table.append_column("tags", joined(ranks, ", ")).drop_columns(
        [f"tag_{rank}" for rank in range(TAGS)]
    )


def _lowered(tags: TextFile) -> Iterator[pa.RecordBatch]:
    for batch in batches(tags):
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
    named = titles.parse(movies["title"])
    listed = pc.utf8_trim_whitespace(movies["genres"])
    genres = or_null(listed, pc.is_in(listed, pa.array(NO_GENRE)))
    year = pc.coalesce(named["year"], _year(movies["released"]))
    return pa.table({
        "movieId": movies["movieId"],
        "original_title": named["name"],
        "overview": _overview(named, year, genres, movies["tags"]),
        "genre_1": pc.replace_substring_regex(genres, r"\|.*$", ""),
        "release_year": year,
        "others": named["others"],
    })  # fmt: skip


def _overview(named: pa.Table, year: Values, genres: Values, tags: Values) -> Values:
    others = blank_to_null(named["others"])
    also = prefixed("also known as ", pc.replace_substring(others, "|", ", "))
    name = blank_to_null(named["name"])
    first = joined([name, also, prefixed("of ", pc.cast(year, pa.string()))], ", ")
    sentences = [first, pc.replace_substring(genres, "|", ", "), prefixed("Tagged ", tags)]
    return pc.binary_join_element_wise(joined(sentences, ". "), ".", "")


def _year(dates: Values) -> Values:
    """Take the year from 100K's dates, such as 01-Jan-1995; null elsewhere."""
    found = pc.struct_field(pc.extract_regex(dates, r"(?P<year>1[89]\d\d|2[01]\d\d)$"), "year")
    return pc.cast(found, pa.int64())
