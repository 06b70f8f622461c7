"""MovieLens' movies joined to TMDB's: by links.csv, or by title and year where there is none.

A title joins when it and the year are equal (no case, accents or punctuation; the
article in front; any of MovieLens' other titles against TMDB's title and original
title) and it is the only such movie on either side. What is ambiguous isn't joined.
"""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.table_engine import collect
from reelgraph.schemas.columns import TEXT_COLUMNS
from reelgraph.schemas.tables import CATALOG
from reelgraph.sources import titles, tmdb_files
from reelgraph.sources.arrow_text import ArrowColumn
from reelgraph.sources.source import Staging
from reelgraph.sources.tmdb_files import TmdbFiles


def join_tmdb(
    staging: Staging, own: pa.Table, links: pa.Table | None, folder: Path
) -> tuple[ir.Table, tuple[str, ...]]:
    """Return the catalogue with the SPEC's columns, ordered by movieId, and counts for people.

    Args:
        staging: where tables go on their way to the engine.
        own: what MovieLens knows: movieId, some of the SPEC's columns, others (other titles).
        links: movieId, imdbId, tmdbId; None: join by title and year.
        folder: TMDB's files; none there: the catalogue is MovieLens' alone.

    Raises:
        InputError: a TMDB file lacks a column or isn't a table.
    """
    known, notes = [], []
    for number, files in enumerate(tmdb_files.find_tmdb_files(folder)):
        movies = files.read_movies()
        pairs, ambiguous = _matched(staging, own, links, movies, number)
        mine = movies.filter(pc.is_in(movies["tmdb_id"], pairs["tmdb_id"].combine_chunks()))
        fields = staging.stage_table(f"tmdb_fields_{number}", files.fields(mine))
        known.append(
            staging.stage_table(f"tmdb_pairs_{number}", pairs).join(fields, "tmdb_id").drop("tmdb_id")
        )
        notes.append(_note(files, len(pairs), ambiguous))
    return _filled(staging.stage_table("ml_own", own), known), tuple(notes)


def _note(files: TmdbFiles, joined_movies: int, ambiguous: int) -> str:
    counts = {"ambiguous titles": ambiguous, "bad rows skipped": files.skipped,
              "malformed cells": files.parser.malformed}  # fmt: skip
    told = "".join(f", {count:,} {what}" for what, count in counts.items() if count)
    return f"{files.movies_path.name}: {joined_movies:,} movies joined{told}"


def _matched(
    staging: Staging, own: pa.Table, links: pa.Table | None, movies: pa.Table, number: int
) -> tuple[pa.Table, int]:
    """Return movieId and tmdb_id of the movies joined, and the number of ambiguous ones."""
    if links is None:
        pairs = _same_title(staging.stage_table(f"ml_titles_{number}", _own_titles(own)),
                            staging.stage_table(f"tmdb_titles_{number}", _their_titles(movies)))  # fmt: skip
    else:
        ids = movies.select(["tmdb_id", "imdb_id"])
        pairs = _linked(staging.stage_table(f"ml_links_{number}", links),
                        staging.stage_table(f"tmdb_ids_{number}", ids))  # fmt: skip
    found = collect(pairs.order_by("movieId", "tmdb_id"), "TMDB's movies")
    sure = found.filter(found["sure"]).drop_columns("sure")
    return sure, len(pc.unique(found["movieId"])) - len(sure)


def _linked(links: ir.Table, movies: ir.Table) -> ir.Table:
    """Join by TMDB's id, else by IMDb's."""
    once = links.group_by("movieId").aggregate(tmdb_id=links.tmdbId.min(), imdb_id=links.imdbId.min())
    by_tmdb = once.join(movies, "tmdb_id").select("movieId", "tmdb_id")
    by_imdb = once.drop("tmdb_id").join(movies, "imdb_id").anti_join(by_tmdb, "movieId")
    first = by_imdb.group_by("movieId").aggregate(tmdb_id=by_imdb.tmdb_id.min())
    return by_tmdb.union(first).mutate(sure=ibis.literal(True))


def _same_title(own: ir.Table, movies: ir.Table) -> ir.Table:
    both = own.join(movies, ["key", "year"]).select("movieId", "tmdb_id").distinct()
    theirs = both.movieId.count().over(group_by="movieId")
    ours = both.tmdb_id.count().over(group_by="tmdb_id")
    return both.mutate(sure=(theirs == 1) & (ours == 1))


def _own_titles(own: pa.Table) -> pa.Table:
    return _titles(own["movieId"], "movieId", own["release_year"], [own["original_title"], own["others"]])


def _their_titles(movies: pa.Table) -> pa.Table:
    names = [movies["title"], movies["original_title"]]
    return _titles(movies["tmdb_id"], "tmdb_id", movies["release_year"], names)


def _titles(ids: ArrowColumn, name: str, years: ArrowColumn, texts: list[ArrowColumn]) -> pa.Table:
    """Return a row for each of a movie's titles (``|`` separates several): id, key, year."""
    joined_texts = pc.split_pattern(pc.binary_join_element_wise(*texts, "|"), "|")
    row = pc.list_parent_indices(joined_texts)
    table = pa.table({name: ids.take(row), "key": titles.normalize_titles(pc.list_flatten(joined_texts)),
                      "year": years.take(row)})  # fmt: skip
    return table.filter(pc.and_(pc.not_equal(table["key"], ""), pc.is_valid(table["year"])))


def _filled(own: ir.Table, known: list[ir.Table]) -> ir.Table:
    """Take each field from the first that has it: TMDB's tables in their order, then MovieLens."""
    whole = own.select("movieId", *[_column(own, name).name(name) for name in CATALOG.file_schema.names[1:]])
    for source in reversed(known):
        whole = _over(whole, source)
    return whole.order_by("movieId")


def _over(below: ir.Table, above: ir.Table) -> ir.Table:
    renamed = above.rename({f"new_{name}": name for name in above.columns if name != "movieId"})
    both = below.left_join(renamed, "movieId")
    fields = {name: ibis.coalesce(_known(both[f"new_{name}"]), both[name])
              for name in below.columns if f"new_{name}" in renamed.columns}  # fmt: skip
    return both.select(**{name: fields.get(name, both[name]) for name in below.columns})


def _known(value: ir.Column) -> ir.Value:
    """Blank is missing."""
    return ibis.ifelse(value.strip() == "", ibis.null(), value) if value.type().is_string() else value


def _column(table: ir.Table, name: str) -> ir.Value:
    if name in table.columns:
        return table[name]
    return ibis.null("string" if name in TEXT_COLUMNS else "int64")
