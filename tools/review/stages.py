"""Which stages ran again between two locks, and what made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.review.revision import flatten

Entries = Mapping[str, Mapping[str, Any]]
"""Stage → its entry in dvc.lock."""

MAX_REASONS = 3


@dataclass(frozen=True)
class StageChange:
    """A stage whose lock entry differs."""

    name: str
    reasons: list[str]
    """Params, command, source files and outputs of other stages that differ; empty for a processor."""
    explained: bool
    """A param, a command or a source file of it or of a stage before it differs."""

    def describe_reasons(self) -> list[str]:
        """Return the first reasons, and how many more there are."""
        more = len(self.reasons) - MAX_REASONS
        return [*self.reasons[:MAX_REASONS], *([f"{more} more"] if more > 0 else [])]


def compare_entries(before: Entries, after: Entries) -> list[StageChange]:
    """Return the stages whose entries differ, in the order of the lock.

    A stage that ran with equal params, command and source files is not explained: another processor, or
    another version of a library, has rounded otherwise.
    """
    comparison = _Comparison(before, after)
    names = [*after, *(name for name in before if name not in after)]
    return [
        StageChange(name, list(comparison.reasons(name)), comparison.is_explained(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


class _Comparison:
    """Two locks, and the stage that wrote each output."""

    def __init__(self, before: Entries, after: Entries) -> None:
        self.before = before
        self.after = after
        self.producers = {path: name for name, entry in after.items() for path in file_hashes(entry, "outs")}
        self.explained: dict[str, bool] = {}

    def reasons(self, name: str) -> Iterator[str]:
        if name not in self.before or name not in self.after:
            yield "new" if name in self.after else "removed"
            return
        old = self.before[name]
        new = self.after[name]
        yield from (f"param {key}" for key in _changed(_params(old), _params(new)))
        if old.get("cmd") != new.get("cmd"):
            yield "command"
        changed = _changed(file_hashes(old, "deps"), file_hashes(new, "deps"))
        yield from sorted(changed, key=lambda path: (bool(self.stages_before(path)), path))

    def stages_before(self, path: str) -> list[str]:
        """Return the stages that write a dependency, or a part of it, or the folder that it is in."""
        return [
            name
            for output, name in self.producers.items()
            if f"{output}/".startswith(f"{path}/") or f"{path}/".startswith(f"{output}/")
        ]

    def is_explained(self, name: str) -> bool:
        if name not in self.explained:
            self.explained[name] = False  # a lock without cycles never asks for it before it is known
            self.explained[name] = self._find_explanation(name)
        return self.explained[name]

    def _find_explanation(self, name: str) -> bool:
        for reason in self.reasons(name):
            sources = self.stages_before(reason)
            if not sources or any(self.is_explained(source) for source in sources):
                return True
        return False


def file_hashes(entry: Mapping[str, Any], kind: str) -> dict[str, str]:
    """Return path → hash of the ``deps`` or ``outs`` of a lock entry."""
    return {item["path"]: item.get("md5", "") for item in entry.get(kind, [])}


def _params(entry: Mapping[str, Any]) -> dict[str, object]:
    return {key: value for content in entry.get("params", {}).values() for key, value in flatten(content)}


def _changed(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    keys = [*new, *(key for key in old if key not in new)]
    return [key for key in keys if key not in old or key not in new or old[key] != new[key]]


def writer_of(entries: Entries, path: str) -> str:
    """Return the stage that writes a file or its folder; empty if there is none."""
    for name, entry in entries.items():
        if any(f"{path}/".startswith(f"{output}/") for output in file_hashes(entry, "outs")):
            return name
    return ""
