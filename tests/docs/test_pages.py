"""README and docs: short enough, in short sentences, and complete about the metrics."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)
MAX_README_WORDS = 900
MAX_WORDS_PER_SENTENCE = 17


def sentences(text: str) -> list[str]:
    """The sentences of a page, without code, tables and headings."""
    text = re.sub(r"```.*?```", "", text, flags=re.S)
    text = re.sub(r"^(\||#| {4}|<!--|:::).*$", "", text, flags=re.M)
    text = re.sub(r"^\s*([*-]|\d+\.) ", ". ", text, flags=re.M)
    text = re.sub(r"\n\s*\n", ". ", text)
    parts = re.split(r"(?<=[.:!?;])\s+", text)
    return [part for part in parts if len(re.findall(r"\w+", part)) > 2]


def test_readme_is_short() -> None:
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    assert len(words) <= MAX_README_WORDS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short(page: Path) -> None:
    parts = sentences(page.read_text(encoding="utf-8"))
    if parts:
        mean = sum(len(part.split()) for part in parts) / len(parts)
        assert mean <= MAX_WORDS_PER_SENTENCE


def scalar_keys(values: dict[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from scalar_keys(value, f"{prefix}{key}.")
        else:
            yield prefix + key


RESULT_FILES = [
    path
    for folder in ("metrics", "reports", "studies")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".json", ".tsv") and path.name != "results.json"
]


def documented_keys() -> dict[str, list[re.Pattern[str]]]:
    """The patterns of docs/metrics.md by the path of a file; ``<name>`` stands for any name."""
    text = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    patterns = {}
    for part in text.split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        cells = [row.split(" | ")[0] for row in body.splitlines() if row.startswith("| `")]
        keys = [key for cell in cells for key in re.findall(r"`([^`]+)`", cell)]
        also = re.findall(r"^Also `([^`]+)`", body, re.M)
        for file in [*heading.split(" and "), *also]:
            patterns[file] = [re.compile(re.sub(r"<\w+>", r".+", key.replace(".", r"\."))) for key in keys]
    return patterns


def written_keys(path: Path) -> list[str]:
    """The columns of a table, or the dotted keys of a JSON file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".tsv":
        return text.splitlines()[0].split("\t")
    return list(scalar_keys(json.loads(text)))


@pytest.mark.parametrize("path", RESULT_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_figure_is_defined(path: Path) -> None:
    patterns = documented_keys()[path.relative_to(ROOT).as_posix()]
    undefined = [key for key in written_keys(path) if not any(p.fullmatch(key) for p in patterns)]
    assert undefined == []


def test_no_figure_is_defined_without_a_file() -> None:
    written = {path.relative_to(ROOT).as_posix() for path in RESULT_FILES}
    assert written <= set(documented_keys())
    missing = [file for file in documented_keys() if file.startswith("metrics/") and file not in written]
    assert missing == []
