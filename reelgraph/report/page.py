"""The page's parts, and its rendering: sections in the template, with style and script inline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reelgraph.report.tables import Table

TEMPLATES = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Figure:
    """A chart with its title and caption."""

    title: str
    picture: Markup
    caption: str


@dataclass(frozen=True)
class Example:
    """One prediction, as text."""

    title: str
    year: str
    user: str
    actual: str
    predicted: str
    error: str
    last: Sequence[tuple[str, str]]
    moved: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """A section of the page; empty fields are not shown."""

    key: str
    short: str
    """Title in the navigation."""
    title: str
    texts: Sequence[str] = ()
    notes: Sequence[str] = ()
    """What is missing, and the command that adds it."""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    beside: bool = False
    """Show the tables beside the figures."""
    folded_title: str = ""
    folded: Sequence[Table] = ()
    """Tables that are shown on a click."""
    examples: Sequence[tuple[str, Sequence[Example]]] = ()
    map_size: str = ""
    """Number of movies on the interactive map, if the section shows it."""


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    subtitle: str
    summary: Sequence[str]
    """Sentences."""
    key_numbers: Sequence[tuple[str, str]]
    """Key numbers and their meanings."""
    sections: Sequence[Section]


def to_figure(title: str, svg: str, caption: str = "") -> Figure:
    """Return a figure with a chart of ``reelgraph.report.charts``."""
    return Figure(title, Markup(svg), caption)


def render_page(page: Page, map_json: str) -> str:
    """Return the page as one HTML file.

    Args:
        page: its content; text is escaped.
        map_json: the map's data, safe inside a script element.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["commands"] = _format_commands
    html = environment.get_template("page.html.j2").render(
        page=page,
        style=_read_asset("style.css"),
        script=_read_asset("atlas.js"),
        atlas=Markup(map_json),
    )
    return html.lstrip()


def _format_commands(text: str) -> Markup:
    """Format the text between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts)
    )


def _read_asset(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
