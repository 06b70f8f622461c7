"""What is wrong with an artifact's arrays: each breach counted, with its first rows, all said at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from reelgraph.runtime.atomic_io import RERUN
from reelgraph.runtime.errors import ArtifactError

SHOWN_ROWS = 3


class Violations:
    """Gathers the breaches of one artifact's contract."""

    def __init__(self, where: Path | str) -> None:
        self.where, self.found = str(where), list[str]()

    def rows(self, broken: Bool[np.ndarray, " rows"], text: str, values: np.ndarray | None = None) -> None:
        """Note the rows that break a rule.

        Args:
            broken: which rows.
            text: what is wrong with them, such as ``embedding not finite``.
            values: of each row, shown of the first ones.
        """
        places = np.flatnonzero(broken)
        if len(places):
            shown = ", ".join(_shown(int(place), values) for place in places[:SHOWN_ROWS])
            count = f"{len(places):,} {'row' if len(places) == 1 else 'rows'}"
            self.found.append(f"{text} in {count}, first at {shown}")

    def that(self, holds: bool, text: str) -> None:
        """Note a breach of the artifact as a whole, unless all is well."""
        if not holds:
            self.found.append(text)

    def refuse(self) -> None:
        """Raise all breaches.

        Raises:
            ArtifactError: there are any.
        """
        if self.found:
            raise ArtifactError(self.where, "a file that keeps its contract", "; ".join(self.found), RERUN)


def repeated(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Tell of each value whether it is there more than once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def not_above(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Tell of each value whether it is not above the one before."""
    return np.append(np.zeros(min(1, len(values)), bool), values[1:] <= values[:-1])


def _shown(place: int, values: np.ndarray | None) -> str:
    return f"row {place + 1:,}" + ("" if values is None else f" ({values[place]})")
