"""The page: sections put into the template, with style and script inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reelgraph.report.svg import symbols
from reelgraph.report.tables import Table

FOLDER = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Figure:
    """A picture with what it is and how to read it."""

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
class Atlas:
    """The map's place on the page."""

    count: str


@dataclass(frozen=True)
class Section:
    """A part of the page; what is empty isn't shown."""

    key: str
    short: str
    title: str
    texts: Sequence[str] = ()
    notes: Sequence[str] = ()
    """What is missing, and how to get it."""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    beside: bool = False
    """The tables are narrow enough to stand beside the figure."""
    folded_title: str = ""
    folded: Sequence[Table] = ()
    examples: Sequence[tuple[str, Sequence[Example]]] = ()
    atlas: Atlas | None = None


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    under: str
    verdict: Sequence[str]
    keys: Sequence[tuple[str, str]]
    sections: Sequence[Section] = field(default_factory=list)


def figure(title: str, svg: str, caption: str = "") -> Figure:
    """Return a figure of a picture that ``charts`` drew."""
    return Figure(title, Markup(svg), caption)


def html(page: Page, atlas: str) -> str:
    """Return the page as one file.

    Args:
        page: its content; text is escaped.
        atlas: the map's data, safe inside a script element.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["commands"] = _commands
    return (
        environment.get_template("page.html.j2")
        .render(
            under=page.under,
            verdict=page.verdict,
            keys=page.keys,
            sections=page.sections,
            style=_file("style.css"),
            script=_file("atlas.js"),
            symbols=Markup(symbols()),
            atlas=Markup(atlas),
        )
        .lstrip()
    )


def _commands(text: str) -> Markup:
    """Set what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if at % 2 else p for at, p in enumerate(parts))


def _file(name: str) -> Markup:
    return Markup((FOLDER / name).read_text(encoding="utf-8"))
