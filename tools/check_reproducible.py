"""``make check-reproducible``: compares metrics/ and reports/ of the workspace with the committed ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from reelgraph.core.schemas.reports import TABLES, parse_table
from reelgraph.runtime.atomic_io import Json

TOLERANCE = 0.002
"""Largest difference between types of CPU: absolute for values up to 1, relative for larger ones."""


def flatten_figures(values: Json, key: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each scalar with its dotted key."""
    if isinstance(values, dict):
        for name, value in values.items():
            yield from flatten_figures(value, f"{key}.{name}".lstrip("."))
    else:
        yield key, values


def parse_figures(text: str, path: Path) -> dict[str, Json]:
    """Return the scalars of a JSON file or a table by their dotted keys."""
    values = json.loads(text) if path.suffix == ".json" else parse_table(text, TABLES[path.stem], str(path))
    return dict(flatten_figures(values))


def list_differences(path: Path, revision: str = "HEAD") -> list[str]:
    """Return a line for each figure that differs from the committed one by more than the tolerance."""
    result = subprocess.run(
        ["git", "show", f"{revision}:{path.as_posix()}"], capture_output=True, text=True, check=True
    )
    before = parse_figures(result.stdout, path)
    after = parse_figures(path.read_text(encoding="utf-8"), path)
    lines = [f"{path}: {key} was removed" for key in sorted(set(before) - set(after))]
    lines += [f"{path}: {key} was added" for key in sorted(set(after) - set(before))]
    for key in sorted(set(before) & set(after)):
        old = before[key]
        new = after[key]
        if isinstance(old, int | float) and isinstance(new, int | float):
            if abs(new - old) > TOLERANCE * max(1.0, abs(old)):
                lines.append(f"{path}: {key} was {old}, is {new}")
        elif old != new:
            lines.append(f"{path}: {key} was {old!r}, is {new!r}")
    return lines


if __name__ == "__main__":
    files = [*Path("metrics").glob("*.json"), *Path("reports").glob("*.json"), *Path("reports").glob("*.tsv")]
    differences = [line for path in sorted(files) for line in list_differences(path)]
    print("\n".join(differences) or f"All figures are within {TOLERANCE} of the committed ones.")
    sys.exit(bool(differences))
