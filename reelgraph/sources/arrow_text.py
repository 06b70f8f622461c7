"""Small things done to whole Arrow columns of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

ArrowColumn: TypeAlias = pa.Array | pa.ChunkedArray
"""A column, in one piece or several."""


def null_where(values: ArrowColumn, where: ArrowColumn) -> ArrowColumn:
    """Return the values, null where ``where`` is true."""
    return pc.if_else(where, pa.scalar(None, values.type), values)


def blank_to_null(texts: ArrowColumn) -> ArrowColumn:
    """Return the texts, null where they are ''."""
    return null_where(texts, pc.equal(texts, ""))


def add_prefix(word: str, texts: ArrowColumn) -> ArrowColumn:
    """Put a word before each text; null stays null."""
    return pc.binary_join_element_wise(word, texts, "")


def join_nonnull(columns: Sequence[ArrowColumn], separator: str) -> ArrowColumn:
    """Join the cells of each row, nulls left out; null where all are null."""
    # Arrow's own null_handling="skip" loses rows in which all are null (pyarrow 26).
    parts = [pc.coalesce(add_prefix(separator, column), "") for column in columns]
    whole = pc.binary_join_element_wise(*parts, "")
    return blank_to_null(pc.utf8_slice_codeunits(whole, start=len(separator)))
