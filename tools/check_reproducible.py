"""Compare the workspace's metrics with those in git: equal, or nearly so on another type of CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from reelgraph.runtime.atomic_io import Json

TOLERANCE = 0.005
"""Of figures up to 1; of larger ones, such as an effective rank, the share."""


def flatten_metrics(values: Json, key: str = "") -> Iterator[tuple[str, Json]]:
    """Yield each scalar with its key path."""
    if isinstance(values, dict):
        for name, value in values.items():
            yield from flatten_metrics(value, f"{key}.{name}".lstrip("."))
    else:
        yield key, values


def metric_differences(path: Path, revision: str = "HEAD") -> list[str]:
    """Return a line for each metric of the file that is not the committed one, within the tolerance."""
    shown = subprocess.run(
        ["git", "show", f"{revision}:{path.as_posix()}"], capture_output=True, text=True, check=True
    )
    before, after = (
        dict(flatten_metrics(json.loads(shown.stdout))),
        dict(flatten_metrics(json.loads(path.read_text()))),
    )
    lines = [f"{path}: {key} came or went" for key in sorted(set(before) ^ set(after))]
    for key in sorted(set(before) & set(after)):
        old, new = before[key], after[key]
        if isinstance(old, int | float) and isinstance(new, int | float):
            if abs(new - old) > TOLERANCE * max(1.0, abs(old)):
                lines.append(f"{path}: {key} was {old}, is {new}")
        elif old != new:
            lines.append(f"{path}: {key} was {old!r}, is {new!r}")
    return lines


if __name__ == "__main__":
    found = [line for path in sorted(Path("metrics").glob("*.json")) for line in metric_differences(path)]
    print("\n".join(found) or f"All metrics are within {TOLERANCE} of those in git.")
    sys.exit(bool(found))
