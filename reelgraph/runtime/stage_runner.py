"""What every stage does around its ``main``: load the params, print a summary or one clear error."""

from __future__ import annotations

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
from reelgraph.runtime.errors import ReelgraphError, wrap_os_error
from reelgraph.runtime.process_lock import CHECKPOINT_ROOT, exit_with_parent, stage_lock

TIMINGS = Path(".timings")
"""Folder with the seconds and peak memory of each stage and its steps; ignored by git and DVC."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, by the convention of shells."""

P = TypeVar("P", bound=StageParams)


def run_stage(stage: str, params: type[P], main: Callable[[P], str], *files: str) -> None:
    """Load the params of a stage, run it, and print its summary with the seconds it took.

    Only one process at a time runs a stage. On a ``ReelgraphError`` or ``OSError`` the message is printed
    and the exit code is 1; after Ctrl-C it is 130.

    Args:
        stage: name of the stage in dvc.yaml, with its variant if it has one.
        params: model of the sections that the stage reads.
        main: computes and writes the outputs; returns the text of the summary.
        files: params files, if other than params.yaml.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for locales that cannot encode arrows or titles
    signal.signal(signal.SIGINT, signal.default_int_handler)  # stages/__init__.py set another handler
    exit_with_parent()
    start = time.monotonic()
    try:
        with stage_lock(stage):
            summary = main(load(params, *files))
            seconds = _write_timing(stage, start)
    except ReelgraphError as error:
        _exit(stage, f"{error}{_restore_hint()}", 1)
    except OSError as error:
        message = str(wrap_os_error(error, "a file of this stage"))
        _exit(stage, f"{message}{_restore_hint()}", 1)
    except KeyboardInterrupt:
        print(f"{stage}: stopped. {_resume_hint(stage)}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        os._exit(INTERRUPTED)  # without waiting for threads that still compute
    print(f"{stage}: {summary} [{seconds:.1f} s]")


def _exit(stage: str, message: str, code: int) -> NoReturn:
    print(f"{stage}: {message}", file=sys.stderr, flush=True)
    sys.exit(code)


def _resume_hint(stage: str) -> str:
    has_checkpoint = (CHECKPOINT_ROOT / stage).is_dir()
    place = "where this stage stopped" if has_checkpoint else "with this stage"
    return f"The same command continues {place}."


def _restore_hint() -> str:
    """Tell how to get the outputs back, which DVC removes before it starts a stage."""
    if "DVC_STAGE" not in os.environ:
        return ""
    return "\nOutputs that DVC has removed come back from its cache: undo the change and run `dvc repro`."


@contextmanager
def record_timing(stage: str, step: str) -> Iterator[None]:
    """Record the seconds of a step of a stage, such as a fit, beside those of the whole stage."""
    start = time.monotonic()
    yield
    _write_timing(f"{stage}/{step}", start)


def _write_timing(name: str, start: float) -> float:
    seconds = time.monotonic() - start
    write_json({"seconds": round(seconds, 2), "peak_mb": _peak_memory_mb()}, TIMINGS / f"{name}.json")
    return seconds


def _peak_memory_mb() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1 << 20 if sys.platform == "darwin" else 1 << 10))
