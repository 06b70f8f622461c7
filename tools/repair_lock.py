"""Mend what a kill left of a dvc.lock: ``python -m tools.repair_lock``.

DVC writes dvc.lock over the old one: a kill meanwhile leaves its first part, which DVC then refuses. Stages
that are there as a whole stay; the others run again, or come out of DVC's cache.
"""

from __future__ import annotations

import re
from pathlib import Path

from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML, YAMLError
from voluptuous import Invalid

from reelgraph.runtime.atomic_io import write_text

STAGE = re.compile(r"^  (\S[^:]*)", re.MULTILINE)
"""A line with a stage's name, maybe its first letters."""


def mended(text: str) -> str:
    """Return the lock file up to the last stage that is there as a whole; empty where there is none."""
    while not whole(text):
        *_, last = (0, *(stage.start() for stage in STAGE.finditer(text)))
        text = text[:last]
    return text


def whole(text: str) -> bool:
    """Tell whether DVC takes a text for a lock file, or there is none."""
    if not text:
        return True
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, Invalid):
        return False
    return True


def main() -> None:
    """Mend the pipeline's lock file and the studies', and say so."""
    for path in (Path("dvc.lock"), *sorted(Path("studies").glob("*/dvc.lock"))):
        if not path.exists():
            continue
        found = path.read_bytes()
        kept = mended(found.decode(errors="ignore"))  # the cut may go through a letter
        if kept and kept.encode() == found:
            continue
        if kept:
            write_text(kept, path)
        else:
            path.unlink()
        names = ", ".join(STAGE.findall(kept)) or "none"
        print(f"{path}: cut off in the midst of writing; of its stages, these were whole: {names}")


if __name__ == "__main__":
    main()
