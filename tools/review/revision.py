"""Files of a git revision and of the workspace, of a project at any place in its repository."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


@dataclass(frozen=True)
class Sides:
    """The project at the revision ``base`` and in the workspace."""

    root: Path
    base: str

    def texts(self, path: str) -> tuple[str, str]:
        """Return a file's content on both sides; empty where there is none."""
        # ./ makes the path relative to the folder, not to the top of the repository.
        shown = self.git("show", f"{self.base}:./{path}", check=False)
        file = self.root / path
        return shown, file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""

    def paths(self, folder: str, suffix: str) -> list[str]:
        """Return the files of a folder with this suffix that are on any of the sides."""
        listed = self.git("ls-tree", "-r", "-z", "--name-only", self.base, "--", f"./{folder}/").split("\0")
        present = [
            path.relative_to(self.root).as_posix() for path in (self.root / folder).rglob(f"*{suffix}")
        ]
        return sorted({path for path in (*listed, *present) if path.endswith(suffix)})

    def changed_files(self, folder: str) -> list[str]:
        """Return the tracked files of a folder that differ or are only on one side."""
        names = self.git("diff", "-z", "--relative", "--name-only", "--no-renames", self.base, "--", folder)
        return sorted(name for name in names.split("\0") if name)

    def check(self) -> None:
        """Check that ``base`` names a commit.

        Raises:
            ValueError: it does not.
        """
        if not self.git("rev-parse", "--verify", "--quiet", f"{self.base}^{{commit}}", check=False):
            raise ValueError(f"{self.base} is not a commit: name one with BASE=")

    def git(self, *words: str, check: bool = True) -> str:
        """Run git in the project's folder; return its output."""
        result = subprocess.run(["git", *words], cwd=self.root, check=check, capture_output=True)
        return result.stdout.decode("utf-8", "replace")


def flatten(values: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield each value that is not a mapping with its dotted key."""
    if isinstance(values, Mapping) and (values or not prefix):
        for key, value in values.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, values


def parse_json(text: str) -> dict[str, Any]:
    """Return a JSON object's values by dotted key; empty for anything else."""
    try:
        return dict(flatten(json.loads(text or "{}")))
    except ValueError:
        return {}


def parse_yaml(text: str) -> dict[str, Any]:
    """Return a YAML mapping; empty for anything else."""
    try:
        values = YAML(typ="safe").load(text)
    except YAMLError:
        return {}
    return values if isinstance(values, dict) else {}
