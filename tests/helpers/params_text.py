"""Edits of params.yaml as text."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = Path("params.yaml").read_text(encoding="utf-8")


def replace_entry(path: str, entry: str, text: str = TEXT) -> str:
    """Replace ``key: value`` of a key path by other text, whatever the value: people change it."""
    section, _, key = path.rpartition(".")
    start = text.index(f"\n{section}:") + 1 if section else 0
    indent = "  " if section else ""
    pattern = re.compile(rf"^{indent}{key}: \S+", re.MULTILINE)
    assert pattern.search(text, start), f"no {path} in params.yaml"
    return text[:start] + pattern.sub(lambda _: indent + entry, text[start:], count=1)
