"""Text from data in Markdown: titles that contain markup stay text."""

from __future__ import annotations

import re

import pytest

from reelgraph.evaluation.examples import to_markdown
from reelgraph.evaluation.markdown import MAX_CHARS, code_span, escape_markdown, markdown_table

TITLES = [
    "<details><summary>open", "</details>", "<img src=x onerror=alert(1)>", "<!-- x", "@name", "a|b", "a\\|b", "`code",
    "**bold** _x_ ~~y~~", "[text](https://example.org)", "![x](y)", "line\nbreak\r\n| a | b |", "tab\tand\x00\x1b[31m",
    "\u202eright to left", "#1 fan", "www.example.org", "https://example.org", "$x$", "&lt;b&gt;", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("title", TITLES)
def test_escape_markdown_leaves_no_syntax(title: str) -> None:
    escaped = escape_markdown(title)
    assert escaped.isprintable() or "\u200b" in escaped
    assert not re.search(r"[<>\x00-\x1f\x7f\u202e]", escaped)
    assert not re.search(r"(?<!\\)(\\\\)*[|`*_\[\]~$]", escaped)
    assert not re.search(r"@\w|#\d|://|www\.", escaped)
    escaped.encode()


@pytest.mark.parametrize(
    "title", ["Amélie", "Mission: Impossible - Fallout", "Fast & Furious", "2:37 (2006)!", "که‌ای"]
)
def test_escape_markdown_keeps_common_titles_readable(title: str) -> None:
    assert escape_markdown(title) == title.replace("&", "&amp;")


def test_escape_markdown_cuts_long_text_before_it_escapes() -> None:
    assert escape_markdown("|" * 500) == r"\|" * MAX_CHARS + "…"


@pytest.mark.parametrize("name", TITLES)
def test_code_span_never_ends_early(name: str) -> None:
    span = code_span(name)
    inner = span.removeprefix("`").removesuffix("`") if span.startswith("`") else span[6:-7]
    assert not re.search(r"(?<!\\)(\\\\)*[`|]|[<>\n]", inner)


def test_code_span_of_a_plain_name() -> None:
    assert code_span("train_gnn@kg_gnn") == "`train_gnn@kg_gnn`"


@pytest.mark.parametrize("title", TITLES)
def test_to_markdown_has_one_row_per_record(title: str) -> None:
    reason = {"title": title, "stars": 0.1, "shared": [title]}
    record = {
        "user": "1",
        "title": title,
        "actual": 4.0,
        "predicted": 3.5,
        "last": [reason],
        "moved": [reason],
    }
    lines = to_markdown([record]).splitlines()
    assert len(lines) == 3
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines] == [8, 8, 8]
    assert "<" not in lines[2]


def test_markdown_table_has_a_line_per_row() -> None:
    assert markdown_table(("a", "b"), [("1", "2")]) == ["| a | b |", "|---|---|", "| 1 | 2 |"]
