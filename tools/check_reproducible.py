"""``make check-reproducible``: compares the metrics of the workspace with the committed ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from reelgraph.runtime.atomic_io import Json

TOLERANCE = 0.005
"""Largest difference between types of CPU: absolute for values up to 1, relative for larger ones."""


def flatten_metrics(values: Json, key: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each scalar with its dotted key."""
    if isinstance(values, dict):
        for name, value in values.items():
            yield from flatten_metrics(value, f"{key}.{name}".lstrip("."))
    else:
        yield key, values


def metric_differences(path: Path, revision: str = "HEAD") -> list[str]:
    """Return a line for each metric that differs from the committed one by more than the tolerance."""
    result = subprocess.run(
        ["git", "show", f"{revision}:{path.as_posix()}"], capture_output=True, text=True, check=True
    )
    before = dict(flatten_metrics(json.loads(result.stdout)))
    after = dict(flatten_metrics(json.loads(path.read_text())))
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
    differences = [
        line for path in sorted(Path("metrics").glob("*.json")) for line in metric_differences(path)
    ]
    print("\n".join(differences) or f"All metrics are within {TOLERANCE} of the committed ones.")
    sys.exit(bool(differences))
