"""Text from data in Markdown: escaped, so that a movie title is never markup, a mention or a new row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

MAX_CHARS = 120
"""Longest text of a cell; the rest is cut off."""
ZERO_WIDTH_SPACE = "\u200b"
JOINERS = "\u200c\u200d"
"""Format characters that scripts such as Persian need; others, which change the direction, are removed."""


def escape_markdown(text: str) -> str:
    """Return text that GitHub's Markdown shows as it is, on one line of at most ``MAX_CHARS`` characters.

    Control characters become spaces. HTML and Markdown syntax is escaped. A zero-width space follows ``@``,
    ``#`` and the colon of an address, so that no user is mentioned and nothing is linked.
    """
    text = _on_one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*_\[\]|~$])", r"\\\1", text)
    return re.sub(r"[@#]|:(?=//)|\bwww(?=\.)", rf"\g<0>{ZERO_WIDTH_SPACE}", text)


def code_span(text: str) -> str:
    """Return a name, such as that of a param or a file, in code style."""
    text = _on_one_line(text)
    return f"`{text}`" if re.fullmatch(r"[\w./@: -]+", text) else f"<code>{escape_markdown(text)}</code>"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the cells are Markdown already."""
    return [_row(header), "|" + "---|" * len(header), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _on_one_line(text: str) -> str:
    shown = "".join(map(_replace_control, text))
    words = " ".join(shown.split())
    return words if len(words) <= MAX_CHARS else f"{words[:MAX_CHARS]}…"


def _replace_control(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    return "" if category in ("Cf", "Cs") and character not in JOINERS else character
