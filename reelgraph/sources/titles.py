"""Operations on Arrow columns of text, and movie titles split into name, alternative names and year.

``Postino, Il (Postman, The) (1994)`` → ``Il Postino``, ``The Postman``, 1994. All functions work on
whole columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

ArrowColumn: TypeAlias = pa.Array | pa.ChunkedArray
"""A column in one chunk or several."""

YEAR = r"^(?P<rest>.*?)\s*\((?P<year>1[89]\d\d|2[01]\d\d)(?:\s*[-–]\s*(?:\d{4})?)?\s*\)\s*$"
"""A year in the last parentheses, or a range of years, of which the first counts."""

ALTERNATIVES = r"^(?P<name>.+?)(?P<others>(?:\s*\([^()]*\))*)\s*$"
"""Parentheses at the end of the title hold alternative names; ``(500) Days`` has none."""

SECOND_TITLE = r"(?i)\bor$"
"""Before parentheses that are part of the title: ``Birdman: Or (The Unexpected Virtue of Ignorance)``."""

ARTICLES = (
    "The|A|An|Le|La|Les|Un|Une|El|Los|Las|Una|Il|Lo|I|Gli|Der|Die|Das|Den|Det|De|Het|Een|Ein|Eine|O|Os|As"
)

ELIDED_ARTICLE = r"^(.*), (L['’])$"


def null_where(values: ArrowColumn, condition: ArrowColumn) -> ArrowColumn:
    """Return the values, null where the condition is true."""
    return pc.if_else(condition, pa.scalar(None, values.type), values)


def empty_to_null(texts: ArrowColumn) -> ArrowColumn:
    """Return the texts, null where they are ''."""
    return null_where(texts, pc.equal(texts, ""))


def add_prefix(prefix: str, texts: ArrowColumn) -> ArrowColumn:
    """Put a prefix before each text; null stays null."""
    return pc.binary_join_element_wise(prefix, texts, "")


def join_nonnull(columns: Sequence[ArrowColumn], separator: str) -> ArrowColumn:
    """Join the non-null cells of each row; null where all cells are null."""
    # Arrow's null_handling="skip" loses rows in which all cells are null (pyarrow 26).
    parts = [pc.coalesce(add_prefix(separator, column), "") for column in columns]
    text = pc.binary_join_element_wise(*parts, "")
    return empty_to_null(pc.utf8_slice_codeunits(text, start=len(separator)))


def split_names(texts: ArrowColumn, separator: str, count: int) -> list[ArrowColumn]:
    """Return the first, second, … name of each text that lists several; blank or null where it has fewer.

    Args:
        texts: such as ``A|B|C``.
        separator: ``|``, or a comma, after which there may be spaces.
        count: number of columns to return.
    """
    bars = texts if separator == "|" else pc.replace_substring_regex(texts, r",\s*", "|")
    padded = pc.binary_join_element_wise(bars, "|" * count, "")
    pattern = "^" + r"\|".join(f"(?P<p{index}>[^|]*)" for index in range(count))
    groups = pc.extract_regex(padded, pattern)
    return [pc.struct_field(groups, f"p{index}") for index in range(count)]


def split_titles(titles: ArrowColumn) -> pa.Table:
    """Split titles into their parts.

    Args:
        titles: text, as in MovieLens' files; not null.

    Returns:
        name: text, the article in front, without year and alternative names.
        others: text, the alternative names joined by ``|``, articles in front; blank if none.
        year: int64, null where the title has none.
    """
    titles = pc.replace_substring_regex(titles, r"[\r\n]+", " ")  # quoted cells may contain line breaks
    dated = pc.extract_regex(titles, YEAR)
    undated = pc.coalesce(pc.struct_field(dated, "rest"), titles)
    year = pc.cast(pc.struct_field(dated, "year"), pa.int64())
    parts = pc.extract_regex(pc.utf8_trim_whitespace(undated), ALTERNATIVES)
    before = pc.coalesce(pc.struct_field(parts, "name"), undated)
    is_one_title = pc.match_substring_regex(before, SECOND_TITLE)
    name = pc.if_else(is_one_title, pc.utf8_trim_whitespace(undated), before)
    alternatives = pc.if_else(is_one_title, "", pc.coalesce(pc.struct_field(parts, "others"), ""))
    return pa.table(
        {"name": move_article_to_front(name), "others": _split_alternatives(alternatives), "year": year}
    )


def titles_by_movie(movies: pa.Table) -> dict[int, tuple[str, list[str]]]:
    """Split titles such as ``Postino, Il (Postman, The) (1994)`` into title and alternative titles.

    Args:
        movies: movieId and title, as in MovieLens' files.

    Returns:
        Movie id → title, alternative titles.
    """
    parts = split_titles(movies["title"])
    alternatives = pc.split_pattern(pc.coalesce(parts["others"], ""), "|").to_pylist()
    rows = zip(movies["movieId"].to_pylist(), parts["name"].to_pylist(), alternatives, strict=True)
    return {movie: (title, [name for name in names if name]) for movie, title, names in rows}


def move_article_to_front(names: ArrowColumn) -> ArrowColumn:
    """Turn ``Matrix, The`` into ``The Matrix`` and ``Atalante, L'`` into ``L'Atalante``."""
    moved = pc.replace_substring_regex(names, rf"^(.*), ({ARTICLES})$", r"\2 \1")
    return pc.replace_substring_regex(moved, ELIDED_ARTICLE, r"\2\1")


def normalize_titles(names: ArrowColumn) -> ArrowColumn:
    """Return keys under which equal titles match: letters and digits, lower case, no accents, & as "and"."""
    text = pc.replace_substring(pc.utf8_normalize(pc.coalesce(names, ""), "NFKD"), "&", "and")
    text = pc.replace_substring_regex(pc.utf8_lower(text), r"\p{M}+", "")
    return pc.replace_substring_regex(text, r"[^\p{L}\p{N}]+", "")


def _split_alternatives(groups: ArrowColumn) -> ArrowColumn:
    """Turn ``(a.k.a. Thing, The) (Cosa, La)`` into ``The Thing|La Cosa``."""
    stripped = pc.replace_substring_regex(groups, r"^\s*\(|\)\s*$", "")
    lists = pc.split_pattern_regex(stripped, r"\)\s*\(")
    names = pc.replace_substring_regex(pc.list_flatten(lists), r"^\s*(?i:a\.?k\.?a\.?)\s+|\s+$", "")
    return _join_lists(lists, move_article_to_front(names))


def _join_lists(lists: ArrowColumn, values: ArrowColumn) -> ArrowColumn:
    """Join the values by ``|`` within each list, where ``values`` replace the flattened lists."""
    ends = _one_chunk(pc.cumulative_sum(pc.cast(pc.list_value_length(lists), pa.int64())))
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), ends])
    return pa.chunked_array([pc.binary_join(pa.LargeListArray.from_arrays(offsets, _one_chunk(values)), "|")])


def _one_chunk(column: ArrowColumn) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
