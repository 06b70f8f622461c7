"""One process per stage: a second one waits, and a stage ends soon after the DVC process that started it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKPOINT_ROOT = Path(".checkpoints")
"""Folder for locks and for the checkpoints of killed runs; ignored by git and DVC."""

POLL_SECONDS = 0.2
"""Seconds between two checks of the parent process."""

_watched_parent: int | None = None


@contextmanager
def stage_lock(stage: str) -> Iterator[None]:
    """Hold the stage's lock; wait while another process holds it.

    The operating system releases the lock when the process ends, however it ends. The holder's process id
    is in a second file, since the lock file itself cannot be read on every system.
    """
    from filelock import FileLock, Timeout  # here, since stages/__init__.py must be quick to import

    CHECKPOINT_ROOT.mkdir(exist_ok=True)
    lock = FileLock(CHECKPOINT_ROOT / f"{stage}.lock")
    pid_file = CHECKPOINT_ROOT / f"{stage}.pid"
    try:
        lock.acquire(blocking=False)
    except Timeout:
        pid = pid_file.read_text(encoding="utf-8").strip() if pid_file.exists() else "unknown"
        print(f"{stage}: process {pid} of another run is working on this stage; waiting until it ends. "
              "Press Ctrl-C to stop waiting.", file=sys.stderr, flush=True)  # fmt: skip
        lock.acquire()
    try:
        pid_file.write_text(f"{os.getpid()}\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def exit_with_parent(always: bool = False) -> None:
    """Under DVC, or always, end this process soon after its parent process has ended.

    Killing DVC does not kill the stage that it runs. Without this, the stage would later overwrite files
    that a new run has written meanwhile. Call it as early as possible: a parent that ended before the call
    goes unnoticed. Further calls do nothing.
    """
    global _watched_parent
    if _watched_parent is not None or not (always or "DVC_STAGE" in os.environ):
        return
    _watched_parent = os.getppid()
    threading.Thread(target=_exit_after, args=(_watched_parent,), daemon=True).start()


def _exit_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)
