"""Running both sides of a stage by turns, holding their results against each other, and what it gives."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

from bench.comparison_worker import SideResult

Row = dict[str, Any]


def compare(name: str, sizes: tuple[int, ...], rounds: int) -> Row:
    """Measure a stage at the last size on both sides, at the others on the side of reelgraph only.

    Args:
        name: the module in ``bench/stages``.
        sizes: ascending; what they count, the module says.
        rounds: how often both sides run at the last size, by turns.

    Raises:
        AssertionError: the two sides don't compute the same.
    """
    stage = import_module(f"bench.stages.{name}")
    grown = [_median_seconds(stage, name, size) for size in sizes[:-1]]
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as temp_dir:
        folder = Path(temp_dir)
        stage.prepare(folder, sizes[-1])
        pairs = [
            (run_side(name, "reference", folder, sizes[-1]), run_side(name, "reelgraph", folder, sizes[-1]))
            for _ in range(rounds)
        ]
        stage.check(*(read_result(side, folder).arrays for side in ("reference", "reelgraph")))
    return _row(stage, sizes, grown, pairs)


def run_side(name: str, side: str, folder: Path, size: int, *device: str) -> Row:
    """Run one side in a process of its own; return its seconds and its peak memory."""
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "bench.comparison_worker",
        name,
        side,
        str(folder),
        str(size),
    ]
    command += device
    subprocess.run(command, check=True)
    return json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))


def read_result(side: str, folder: Path) -> SideResult:
    """Read what a side computed."""
    with np.load(folder / f"{side}.npz", allow_pickle=False) as arrays:
        return SideResult([], dict(arrays))


def _median_seconds(stage: ModuleType, name: str, size: int) -> float:
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as temp_dir:
        stage.prepare(Path(temp_dir), size)
        return median(run_side(name, "reelgraph", Path(temp_dir), size)["seconds"])


def _row(stage: ModuleType, sizes: tuple[int, ...], grown: list[float], pairs: list[tuple[Row, Row]]) -> Row:
    reference_medians, medians = ([median(pair[i]["seconds"]) for pair in pairs] for i in range(2))
    ratios = [a / b for a, b in zip(reference_medians, medians, strict=True)]
    relative = (
        [s / median(pair[i]["seconds"]) for pair in pairs for s in pair[i]["seconds"]] for i in range(2)
    )
    seconds = [*grown, median(medians)]
    return {
        "size": sizes[-1],
        "counts": stage.COUNTS,
        "ratio": median(ratios),
        "ratio_low": min(ratios),
        "ratio_high": max(ratios),
        "seconds": median(medians),
        "reference_seconds": median(reference_medians),
        "spread": max(max(side) - min(side) for side in relative),
        "peak_mb": max(pair[1]["peak_mb"] for pair in pairs),
        "reference_peak_mb": max(pair[0]["peak_mb"] for pair in pairs),
        "sizes": list(sizes),
        "seconds_by_size": seconds,
        "exponent": exponent(sizes, seconds),
    }


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float | None:
    """Return p of cost ~ size^p, by least squares of the logarithms; None for one size."""
    if len(sizes) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
