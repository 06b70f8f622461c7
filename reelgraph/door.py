"""What every stage script does around its work: params in, one summary line or one clear error out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from reelgraph.errors import ReelgraphError
from reelgraph.files import write_json
from reelgraph.params.base import StageParams, load

TIMINGS = Path(".timings")
"""Seconds and peak memory of each stage and of its parts; ignored by git and DVC."""

P = TypeVar("P", bound=StageParams)


def run(stage: str, params: type[P], work: Callable[[P], str], *files: str) -> None:
    """Load the stage's params, do its work, print its summary; exit with 1 on a refusal.

    Args:
        stage: the stage's name in dvc.yaml, with its variant if it has one.
        params: the model of the sections that the stage reads.
        work: computes and writes; returns the figures for the summary line.
        files: params files, where it isn't params.yaml alone.
    """
    start = time.monotonic()
    try:
        summary = work(load(params, *files))
    except ReelgraphError as error:
        print(f"{stage}: {error}{_way_back()}", file=sys.stderr)
        sys.exit(1)
    print(f"{stage}: {summary} [{_note(stage, start):.1f} s]")


@contextmanager
def timed(stage: str, part: str) -> Iterator[None]:
    """Note the seconds of a part of a stage, such as a fit, beside those of the whole."""
    start = time.monotonic()
    yield
    _note(f"{stage}/{part}", start)


def _note(name: str, start: float) -> float:
    seconds = time.monotonic() - start
    write_json({"seconds": round(seconds, 2), "peak_mb": _peak_mb()}, TIMINGS / f"{name}.json")
    return seconds


def _way_back() -> str:
    """Name the command that restores what DVC removed before it started the stage."""
    if "DVC_STAGE" not in os.environ:
        return ""
    return "\nThe stage's last outputs come back with `git checkout params.yaml && make restore`."


def _peak_mb() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1 << 20 if sys.platform == "darwin" else 1 << 10))
