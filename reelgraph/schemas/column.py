"""What a column of a table file must hold. Apart from its checks, for whoever needs no table engine."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    """Name in code."""
    type: pa.DataType
    """Type in the file as this project writes it: int64, float64, bool or string."""
    file_name: str = ""
    """Name in the file, where it differs."""
    nullable: bool = False
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    """Values are whole multiples of it."""
    remedy: str = "Correct the file."

    @property
    def in_file(self) -> str:
        """The column's name in the file."""
        return self.file_name or self.name
