"""Joins MovieLens' movies with TMDB's: by links.csv, or by title and year where it is missing.

Titles match without regard to case, accents, punctuation and the position of the article. Each of
MovieLens' titles is compared with TMDB's title and original title. A pair with equal title and year
is joined if it is the only such pair of both movies; ambiguous matches are not joined.
"""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.columns import GENRE_COLUMNS, TEXT_COLUMNS
from reelgraph.core.schemas.tables import CATALOG
from reelgraph.core.table_engine import collect
from reelgraph.sources.missing_values import CERTAIN_MARKERS
from reelgraph.sources.source import Staging
from reelgraph.sources.titles import ArrowColumn, normalize_titles, split_names
from reelgraph.sources.tmdb_files import TmdbFiles, find_tmdb_files


def join_tmdb(
    staging: Staging, movielens: pa.Table, links: pa.Table | None, folder: Path
) -> tuple[ir.Table, tuple[str, ...]]:
    """Return the catalogue, ordered by movieId, and the counts of the join as text.

    Args:
        staging: passes tables to the engine.
        movielens: movieId, columns of the catalogue that MovieLens has, and others (alternative titles);
            column ``genres`` has all genres, separated by ``|``.
        links: movieId, imdbId, tmdbId; None: join by title and year.
        folder: folder with TMDB files; if it has none, the catalogue comes from MovieLens alone.

    Raises:
        InputError: a TMDB file lacks a column or is not a table.
    """
    tmdb_tables = []
    notes = []
    for number, files in enumerate(find_tmdb_files(folder)):
        tmdb_movies = files.read_movies()
        pairs, ambiguous = _match(staging, movielens, links, tmdb_movies, number)
        matched = tmdb_movies.filter(pc.is_in(tmdb_movies["tmdb_id"], pairs["tmdb_id"].combine_chunks()))
        columns = staging.stage_table(f"tmdb_fields_{number}", files.catalog_columns(matched))
        pair_table = staging.stage_table(f"tmdb_pairs_{number}", pairs)
        tmdb_tables.append(pair_table.join(columns, "tmdb_id").drop("tmdb_id"))
        notes.append(_note(files, len(pairs), ambiguous))
    merged = _coalesce_tables(staging.stage_table("ml_own", movielens), tmdb_tables)
    catalog = _split_genres(collect(merged.order_by("movieId"), "MovieLens' and TMDB's movies"))
    return staging.stage_table("ml_catalog", catalog), tuple(notes)


def _note(files: TmdbFiles, n_joined: int, ambiguous: int) -> str:
    counts = {"ambiguous titles": ambiguous, "bad rows skipped": files.skipped,
              "malformed cells": files.parser.malformed}  # fmt: skip
    problems = "".join(f", {count:,} {description}" for description, count in counts.items() if count)
    return f"{files.movies_path.name}: {n_joined:,} movies joined{problems}"


def _match(
    staging: Staging, movielens: pa.Table, links: pa.Table | None, tmdb_movies: pa.Table, number: int
) -> tuple[pa.Table, int]:
    """Return movieId and tmdb_id of the matched pairs, and the number of ambiguous movies."""
    if links is None:
        titles = staging.stage_table(f"ml_titles_{number}", _movielens_titles(movielens))
        tmdb_titles = staging.stage_table(f"tmdb_titles_{number}", _tmdb_titles(tmdb_movies))
        pairs = _match_titles(titles, tmdb_titles)
    else:
        link_table = staging.stage_table(f"ml_links_{number}", links)
        ids = staging.stage_table(f"tmdb_ids_{number}", tmdb_movies.select(["tmdb_id", "imdb_id"]))
        pairs = _match_links(link_table, ids)
    candidates = collect(pairs.order_by("movieId", "tmdb_id"), "TMDB's movies")
    matched = candidates.filter(candidates["is_unique"]).drop_columns("is_unique")
    return matched, len(pc.unique(candidates["movieId"])) - len(matched)


def _match_links(links: ir.Table, tmdb_movies: ir.Table) -> ir.Table:
    """Join by TMDB's id, otherwise by IMDb's."""
    ids = links.group_by("movieId").aggregate(tmdb_id=links.tmdbId.min(), imdb_id=links.imdbId.min())
    by_tmdb = ids.join(tmdb_movies, "tmdb_id").select("movieId", "tmdb_id")
    by_imdb = ids.drop("tmdb_id").join(tmdb_movies, "imdb_id").anti_join(by_tmdb, "movieId")
    first = by_imdb.group_by("movieId").aggregate(tmdb_id=by_imdb.tmdb_id.min())
    return by_tmdb.union(first).mutate(is_unique=ibis.literal(True))


def _match_titles(movielens_titles: ir.Table, tmdb_titles: ir.Table) -> ir.Table:
    """Join by normalized title and year; ``is_unique`` is true where neither movie is in another pair."""
    pairs = movielens_titles.join(tmdb_titles, ["key", "year"]).select("movieId", "tmdb_id").distinct()
    pairs_of_movielens = pairs.movieId.count().over(group_by="movieId")
    pairs_of_tmdb = pairs.tmdb_id.count().over(group_by="tmdb_id")
    return pairs.mutate(is_unique=(pairs_of_movielens == 1) & (pairs_of_tmdb == 1))


def _movielens_titles(movies: pa.Table) -> pa.Table:
    texts = [movies["original_title"], movies["others"]]
    return _title_table(movies["movieId"], "movieId", movies["release_year"], texts)


def _tmdb_titles(movies: pa.Table) -> pa.Table:
    texts = [movies["title"], movies["original_title"]]
    return _title_table(movies["tmdb_id"], "tmdb_id", movies["release_year"], texts)


def _title_table(ids: ArrowColumn, name: str, years: ArrowColumn, texts: list[ArrowColumn]) -> pa.Table:
    """Return a row for each title of a movie (``|`` separates several): id, key, year."""
    titles = pc.split_pattern(pc.binary_join_element_wise(*texts, "|"), "|")
    row = pc.list_parent_indices(titles)
    table = pa.table({name: ids.take(row), "key": normalize_titles(pc.list_flatten(titles)),
                      "year": years.take(row)})  # fmt: skip
    return table.filter(pc.and_(pc.not_equal(table["key"], ""), pc.is_valid(table["year"])))


def _coalesce_tables(movielens: ir.Table, tmdb_tables: list[ir.Table]) -> ir.Table:
    """Take each value from the first table that has it: TMDB's tables in their order, then MovieLens.

    A movie's genres are one value, since TMDB and MovieLens have different names for some.
    """
    names = ["genres", *(name for name in CATALOG.file_schema.names[1:] if name not in GENRE_COLUMNS)]
    result = movielens.select("movieId", *[_column_or_null(movielens, name).name(name) for name in names])
    for tmdb_table in reversed(tmdb_tables):
        result = _coalesce_columns(result, tmdb_table)
    return result


def _split_genres(catalog: pa.Table) -> pa.Table:
    """Replace column ``genres`` by those of the first genres."""
    genres = split_names(catalog["genres"], "|", len(GENRE_COLUMNS))
    columns = dict(zip(catalog.column_names, catalog.columns, strict=True))
    columns |= dict(zip(GENRE_COLUMNS, genres, strict=True))
    return pa.table({name: columns[name] for name in CATALOG.file_schema.names})


def _coalesce_columns(fallback: ir.Table, preferred: ir.Table) -> ir.Table:
    """Return the rows and columns of ``fallback``, with the values of ``preferred`` where it has any."""
    renamed = preferred.rename({f"new_{name}": name for name in preferred.columns if name != "movieId"})
    both = fallback.left_join(renamed, "movieId")
    values = {name: ibis.coalesce(_blank_to_null(both[f"new_{name}"]), both[name])
              for name in fallback.columns if f"new_{name}" in renamed.columns}  # fmt: skip
    return both.select(**{name: values.get(name, both[name]) for name in fallback.columns})


def _blank_to_null(value: ir.Column) -> ir.Value:
    """Return null for blank text and for markers of missing values."""
    if not value.type().is_string():
        return value
    return ibis.ifelse(value.strip().isin(("", *CERTAIN_MARKERS)), ibis.null(), value)


def _column_or_null(table: ir.Table, name: str) -> ir.Value:
    if name in table.columns:
        return table[name]
    return ibis.null("string" if name in TEXT_COLUMNS else "int64")
