"""Markers that other programs write for a missing value, such as ``nan``, ``None`` and ``N/A``.

As text they would be the name of one actor that all such movies share.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.sources.titles import ArrowColumn

CERTAIN_MARKERS = ("\\N", "<NA>", "nan", "NaT", "#N/A")
"""Whole cells that mean a missing value in any column: of pandas, IMDb and spreadsheets."""

POSSIBLE_MARKERS = ("NaN", "None", "NULL", "null", "N/A", "n/a", "NA")
"""Of pandas, Python, SQL, OMDb and R; they may be values in the columns of ``VALID_NAMES``."""

VALID_NAMES = {
    "movieId": POSSIBLE_MARKERS,
    "userId": POSSIBLE_MARKERS,
    "original_title": POSSIBLE_MARKERS,
    "produced_in_country_1": ("NA",),
}
"""Column → markers that are values in it: ids, titles of films, and the code of Namibia."""


def is_missing(column: ArrowColumn, name: str = "") -> ArrowColumn:
    """Return True for each cell that is a marker; blank and null cells are none.

    Args:
        column: text.
        name: column of the catalogue, in which some markers may be values.
    """
    valid_names = VALID_NAMES.get(name, ())
    markers = [marker for marker in CERTAIN_MARKERS + POSSIBLE_MARKERS if marker not in valid_names]
    return pc.is_in(pc.utf8_trim_whitespace(column), pa.array(markers))


def blank_to_null(column: ArrowColumn, name: str = "") -> ArrowColumn:
    """Return the text, null where it is blank or a marker; see ``is_missing``."""
    is_blank = pc.equal(pc.utf8_trim_whitespace(column), "")
    null = pa.scalar(None, column.type)
    return pc.if_else(pc.or_(is_blank, is_missing(column, name)), null, column)
