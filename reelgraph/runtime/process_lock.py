"""One process a stage: another one waits, and one whose DVC is gone stops."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKPOINT_ROOT = Path(".resume")
"""What a killed run leaves for the next: locks, and states to go on from; ignored by git and DVC."""

LOOK = 0.2
"""Seconds between two looks at the parent."""


@contextmanager
def stage_lock(stage: str) -> Iterator[None]:
    """Hold the stage's lock; wait for a process that holds it. The system lets go of it when we die."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    CHECKPOINT_ROOT.mkdir(exist_ok=True)
    with (CHECKPOINT_ROOT / f"{stage}.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            print(f"{stage}: process {lock.read().strip()} of another run is at work on this stage; waiting "
                  "until it ends. Ctrl-C stops waiting.", file=sys.stderr, flush=True)  # fmt: skip
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        yield


def exit_with_parent(always: bool = False) -> None:
    """Under DVC, or always, end this process soon after its parent has gone.

    So nothing overwrites what a new run makes.

    A kill takes no children with it: a stage whose DVC was killed would go on, and write its outputs
    whenever it is ready, under a lock file that may by then be of other params.
    """
    under_dvc = "DVC_STAGE" in os.environ
    if not (always or under_dvc):
        return
    parent = os.getppid()
    if under_dvc and _orphaned(Path(os.environ.get("DVC_ROOT", "."))):
        os._exit(1)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _orphaned(root: Path) -> bool:
    """Tell whether DVC had gone before we could watch it, in the seconds that the imports take.

    DVC's lock file names the processes that run stages now: ours is among our ancestors, or no more.
    """
    import psutil  # which DVC brings

    try:
        locks = json.loads((root / ".dvc/tmp/rwlock").read_text(encoding="utf-8"))
        owners = {owner["pid"] for owner in locks["write"].values()}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(owners) and not owners & {process.pid for process in psutil.Process().parents()}


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)
