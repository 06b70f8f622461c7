"""What MkDocs puts into pages while it builds: the params, from the models that check them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.param_table import param_tables


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the tables in place of their mark."""
    return markdown.replace("<!-- params -->", param_tables(Path("params.yaml")))
