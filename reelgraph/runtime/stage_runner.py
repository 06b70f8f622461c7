"""What every stage script does around its work: params in, one summary line or one clear error out."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TypeVar

from reelgraph.params.base import StageParams, load
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.errors import ReelgraphError, SystemResourceError
from reelgraph.runtime.process_lock import CHECKPOINT_ROOT, exit_with_parent, stage_lock

TIMINGS = Path(".timings")
"""Seconds and peak memory of each stage and of its parts; ignored by git and DVC."""

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

INTERRUPTED = 130
"""The exit code of what Ctrl-C stopped, by the shells' custom."""

P = TypeVar("P", bound=StageParams)


def run_stage(stage: str, params: type[P], main: Callable[[P], str], *files: str) -> None:
    """Load the stage's params, do its work, print its summary; exit with 1 on a refusal, 130 on Ctrl-C.

    One process at a time works on a stage; what the system refuses (a full disk, a folder that can't be
    written) is told as a refusal.

    Args:
        stage: the stage's name in dvc.yaml, with its variant if it has one.
        params: the model of the sections that the stage reads.
        work: computes and writes; returns the figures for the summary line.
        files: params files, where it isn't params.yaml alone.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale may lack an arrow, or a title's letters
    signal.signal(signal.SIGINT, signal.default_int_handler)  # stages/__init__.py answered so far
    exit_with_parent()
    start = time.monotonic()
    try:
        with stage_lock(stage):
            summary = main(load(params, *files))
            seconds = _note(stage, start)
    except ReelgraphError as error:
        _stop(stage, f"{error}{_way_back()}", 1)
    except OSError as error:
        _stop(stage, f"{_of_system(error)}{_way_back()}", 1)
    except KeyboardInterrupt:
        _stop(stage, f"stopped. {_resume(stage)}", INTERRUPTED)
    print(f"{stage}: {summary} [{seconds:.1f} s]")


def _stop(stage: str, message: str, code: int) -> NoReturn:
    print(f"{stage}: {message}", file=sys.stderr, flush=True)
    sys.exit(code)


def _of_system(error: OSError) -> SystemResourceError:
    """Say what the system refused; a write to a full disk, mostly."""
    path = str(error.filename2 or error.filename or "a file of this stage")
    got = error.strerror or str(error)
    if error.errno in FULL:
        return SystemResourceError(
            path, "room on the disk", got, "Free space, or raise the limit on a file's size."
        )
    return SystemResourceError(
        path, "a file or folder that may be used so", got, "Change its rights, or the path."
    )


def _resume(stage: str) -> str:
    kept = (CHECKPOINT_ROOT / stage).is_dir()
    return "`dvc repro` goes on from " + ("where this stage was." if kept else "this stage.")


@contextmanager
def record_timing(stage: str, step: str) -> Iterator[None]:
    """Note the seconds of a part of a stage, such as a fit, beside those of the whole."""
    start = time.monotonic()
    yield
    _note(f"{stage}/{step}", start)


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
