"""``make check-reproducible``: compares metrics/ and reports/ of the workspace with the committed ones."""

from __future__ import annotations

import sys
from pathlib import Path

from reelgraph.core.schemas.reports import TABLES, parse_table
from tools.review.revision import Sides, flatten, parse_json

TOLERANCE = 0.002
"""Largest difference between types of CPU: absolute for values up to 1, relative for larger ones."""


def parse_figures(text: str, path: str) -> dict[str, object]:
    """Return the scalars of a JSON file or a table by their dotted keys; none if the file does not exist."""
    if path.endswith(".json") or not text:
        return parse_json(text)
    return dict(flatten(parse_table(text, TABLES[Path(path).stem], path)))


def list_differences(sides: Sides, path: str) -> list[str]:
    """Return a line for each figure that differs from the committed one by more than the tolerance."""
    before, after = (parse_figures(text, path) for text in sides.texts(path))
    lines = [f"{path}: {key} was removed" for key in sorted(before.keys() - after.keys())]
    lines += [f"{path}: {key} was added" for key in sorted(after.keys() - before.keys())]
    for key in sorted(before.keys() & after.keys()):
        old = before[key]
        new = after[key]
        if isinstance(old, int | float) and isinstance(new, int | float):
            if abs(new - old) > TOLERANCE * max(1.0, abs(old)):
                lines.append(f"{path}: {key} was {old}, is {new}")
        elif old != new:
            lines.append(f"{path}: {key} was {old!r}, is {new!r}")
    return lines


if __name__ == "__main__":
    head = Sides(Path(), "HEAD")
    files = [*head.paths("metrics", ".json"), *head.paths("reports", ".json"), *head.paths("reports", ".tsv")]
    differences = [line for file in files for line in list_differences(head, file)]
    print("\n".join(differences) or f"All figures are within {TOLERANCE} of the committed ones.")
    sys.exit(bool(differences))
