"""MovieLens titles taken apart: ``Postino, Il (Postman, The) (1994)`` → name, other names, year.

All functions work on whole Arrow columns.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.sources.arrow_text import ArrowColumn

YEAR = r"^(?P<rest>.*?)\s*\((?P<year>1[89]\d\d|2[01]\d\d)(?:\s*[-–]\s*(?:\d{4})?)?\s*\)\s*$"
"""A year, or a span of years, of which the first counts, in the last parentheses."""

OTHERS = r"^(?P<name>.+?)(?P<others>(?:\s*\([^()]*\))*)\s*$"
"""Names in parentheses at the title's end are other names; ``(500) Days`` has none."""

ARTICLES = (
    "The|A|An|Le|La|Les|Un|Une|El|Los|Las|Una|Il|Lo|I|Gli|Der|Die|Das|Den|Det|De|Het|Een|Ein|Eine|O|Os|As"
)

ELIDED = r"^(.*), (L['’])$"


def split_titles(titles: ArrowColumn) -> pa.Table:
    """Take titles apart.

    Args:
        titles: text, as in MovieLens' files; not null.

    Returns:
        name: text, the article in front, without year and other names.
        others: text, the other names joined by ``|``, articles in front; blank if none.
        year: int64, null where the title has none.
    """
    titles = pc.replace_substring_regex(titles, r"[\r\n]+", " ")  # which a quoted cell may have
    dated = pc.extract_regex(titles, YEAR)
    rest = pc.coalesce(pc.struct_field(dated, "rest"), titles)
    year = pc.cast(pc.struct_field(dated, "year"), pa.int64())
    parts = pc.extract_regex(pc.utf8_trim_whitespace(rest), OTHERS)
    name = pc.coalesce(pc.struct_field(parts, "name"), rest)
    others = pc.coalesce(pc.struct_field(parts, "others"), "")
    return pa.table({"name": move_article_to_front(name), "others": _others(others), "year": year})


def move_article_to_front(names: ArrowColumn) -> ArrowColumn:
    """Turn ``Matrix, The`` into ``The Matrix`` and ``Atalante, L'`` into ``L'Atalante``."""
    moved = pc.replace_substring_regex(names, rf"^(.*), ({ARTICLES})$", r"\2 \1")
    return pc.replace_substring_regex(moved, ELIDED, r"\2\1")


def _others(groups: ArrowColumn) -> ArrowColumn:
    """Turn ``(a.k.a. Thing, The) (Cosa, La)`` into ``The Thing|La Cosa``."""
    inner = pc.replace_substring_regex(groups, r"^\s*\(|\)\s*$", "")
    listed = pc.split_pattern_regex(inner, r"\)\s*\(")
    plain = pc.replace_substring_regex(pc.list_flatten(listed), r"^\s*(?i:a\.?k\.?a\.?)\s+|\s+$", "")
    return _rejoined(listed, move_article_to_front(plain))


def _rejoined(lists: ArrowColumn, values: ArrowColumn) -> ArrowColumn:
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), _ends(lists)])
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return pa.chunked_array([pc.binary_join(pa.LargeListArray.from_arrays(offsets, whole), "|")])


def _ends(lists: ArrowColumn) -> pa.Array:
    ends = pc.cumulative_sum(pc.cast(pc.list_value_length(lists), pa.int64()))
    return ends.combine_chunks() if isinstance(ends, pa.ChunkedArray) else ends


def normalize_titles(names: ArrowColumn) -> ArrowColumn:
    """Return what equal titles have in common: letters and digits, no case, no accents, & as and."""
    plain = pc.replace_substring(pc.utf8_normalize(pc.coalesce(names, ""), "NFKD"), "&", "and")
    plain = pc.replace_substring_regex(pc.utf8_lower(plain), r"\p{M}+", "")
    return pc.replace_substring_regex(plain, r"[^\p{L}\p{N}]+", "")
