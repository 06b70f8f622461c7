"""Prepares ``make repro``: ``python -m tools.prepare_repro``.

It repairs files of DVC that a killed run left incomplete, collects the results of the studies, and tells what
is rebuilt in a clone without data.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML, YAMLError
from voluptuous import Invalid

from reelgraph.runtime.atomic_io import write_text
from tools import collect_studies
from tools.review.revision import Sides

LOCK = Path("dvc.lock")


def is_complete(lock: str) -> bool:
    """Whether DVC accepts the text of a dvc.lock; it refuses one that was cut."""
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(lock))
    except (YAMLError, Invalid):
        return False
    return True


def repair_lock() -> str:
    """Replace an incomplete dvc.lock by the committed one, if any; return what was done, or nothing.

    DVC writes the file in place, so that a kill can cut it. Nothing is lost: DVC's cache has the results of
    all stages that finished.
    """
    if not LOCK.exists() or is_complete(LOCK.read_text(encoding="utf-8", errors="replace")):
        return ""
    committed, _ = Sides(Path(), "HEAD").texts(str(LOCK))
    if committed:
        write_text(committed, LOCK)
    else:
        LOCK.unlink()
    state = "The file is that of the last commit again." if committed else "The file was removed."
    return (
        f"A run was killed while DVC wrote {LOCK}. {state} "
        "Stages that finished since then come from DVC's cache."
    )


def remove_cut_rwlock(repo: Repo) -> None:
    """Remove DVC's table of outputs in use if a kill has cut it; DVC then refuses to run anything.

    DVC writes this file in place, too, under a lock of its own. Without the file, nothing is in use.
    """
    folder = Path(repo.tmp_dir)
    hardlink = repo.config["core"].get("hardlink_lock", False)
    with make_lock(str(folder / RWLOCK_LOCK), tmp_dir=str(folder), hardlink_lock=hardlink):
        try:
            json.loads((folder / RWLOCK_FILE).read_bytes())
        except FileNotFoundError:
            return
        except ValueError:
            (folder / RWLOCK_FILE).unlink()


def describe_missing_data(repo: Repo) -> str:
    """Return what is rebuilt in a clone whose cache is empty; nothing if the cache has data."""
    if any(Path(repo.cache.local.path).glob("*/*")) or not LOCK.exists():
        return ""
    count = len(YAML(typ="safe").load(LOCK)["stages"])
    rebuilt = f"This clone has no data yet: `dvc repro` runs all {count} stages and rebuilds data/"
    remote = repo.config["core"].get("remote")
    if remote:
        return f"{rebuilt}. To get the data from the remote {remote} instead, stop and run `dvc pull`."
    return f"{rebuilt}, since no DVC remote is set."


def main() -> None:
    """Prepare ``dvc repro``; exit with code 1 if DVC is busy."""
    try:
        with Repo() as repo, repo.lock:  # DVC writes dvc.lock only under this lock
            messages = [repair_lock(), describe_missing_data(repo)]
            remove_cut_rwlock(repo)
            collect_studies.main()
    except DvcException as error:
        sys.exit(f"make repro: {error}")
    print("".join(f"{message}\n" for message in messages if message), end="")


if __name__ == "__main__":
    main()
