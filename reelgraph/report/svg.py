"""Small SVG pictures, written as text: the same numbers give the same bytes, colours come from the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

Number = float | int

WIDTH = 440
"""Width of every picture, CSS pixels: two fit beside each other, and one is readable on a phone."""


@dataclass(frozen=True)
class Scale:
    """Numbers → places on the page."""

    low: Number
    high: Number
    start: Number
    """Where ``low`` lies, pixels."""
    end: Number
    """Where ``high`` lies."""
    log: bool = False

    def __call__(self, value: Number) -> float:
        """Return the place of a value, pixels."""
        share = (self._at(value) - self._at(self.low)) / (self._at(self.high) - self._at(self.low))
        return self.start + share * (self.end - self.start)

    def _at(self, value: Number) -> float:
        return math.log10(max(value, 1e-12)) if self.log else float(value)

    def ticks(self, wanted: int = 5) -> list[Number]:
        """Return about ``wanted`` round numbers within the scale, two or more; powers of ten if log."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.floor(math.log10(self.high) + 1e-9)
            factors = (1, 2, 5) if last - first < 3 else (1,)
            found = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
            return [tick for tick in found if self.low <= tick * 1.000001 and tick <= self.high * 1.000001]
        step = _round_step((self.high - self.low) / wanted)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [tick * step for tick in range(first, last + 1)] if first < last else self.ticks(2 * wanted)


def _round_step(rough: Number) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999) * power


def padded(values: Iterable[Number], share: float = 0.06) -> tuple[Number, Number]:
    """Return the lowest and highest value, with a margin; never an empty range."""
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    margin = (high - low) * share or max(abs(low) * share, 0.5)
    return low - margin, high + margin


def number(value: Number) -> str:
    """Return an axis label without needless digits, with a real minus."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
    return text.replace("-", "−")


@dataclass
class Picture:
    """A frame with axes, and what is drawn in it."""

    height: Number
    x: Scale
    y: Scale
    parts: list[str] = field(default_factory=list)

    def add(self, tag: str, kind: str, text: str = "", **places: Number | str) -> None:
        """Draw one element; ``kind`` is its class, numbers are rounded to a tenth of a pixel."""
        shown = " ".join(f'{name.replace("_", "-")}="{_place(value)}"' for name, value in places.items())
        end = f">{escape(text)}</{tag}>" if text else "/>"
        self.parts.append(f'<{tag} class="{kind}" {shown}{end}')

    def x_axis(self, label: str, ticks: Sequence[Number] | None = None) -> None:
        """Draw grid lines, numbers below them, and what they mean."""
        for tick in self.x.ticks() if ticks is None else ticks:
            at = self.x(tick)
            self.add("line", "grid", x1=at, x2=at, y1=self.y.end, y2=self.y.start)
            self.add("text", "tick middle", number(tick), x=at, y=self.y.start + 16)
        self.add("text", "label middle", label, x=(self.x.start + self.x.end) / 2, y=self.height - 4)

    def y_axis(self, label: str, ticks: Sequence[Number] | None = None) -> None:
        """Draw grid lines, numbers beside them, and what they mean above."""
        for tick in self.y.ticks() if ticks is None else ticks:
            at = self.y(tick)
            self.add("line", "grid", x1=self.x.start, x2=self.x.end, y1=at, y2=at)
            self.add("text", "tick end", number(tick), x=self.x.start - 6, y=at + 4)
        self.add("text", "label", label, x=2, y=self.y.end - 10)

    def path(self, kind: str, points: Iterable[tuple[Number, Number]]) -> None:
        """Draw a line through points, given in the scales' numbers."""
        places = [f"{_place(self.x(x))} {_place(self.y(y))}" for x, y in points]
        self.parts.append(f'<path class="{kind}" d="M{"L".join(places)}"/>')

    def mark(self, kind: str, x: Number, y: Number, title: str = "") -> None:
        """Draw a marker at a place, pixels; ``title`` shows when it is pointed at."""
        inside = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(
            f'<use class="{kind}" href="#{_shape(kind)}" x="{_place(x)}" y="{_place(y)}">{inside}</use>'
        )

    def svg(self, title: str) -> str:
        """Return the picture; ``title`` is what it is for those who can't see it."""
        body = "\n".join(self.parts)
        size = f'viewBox="0 0 {WIDTH} {_place(self.height)}" width="{WIDTH}" height="{_place(self.height)}"'
        return f'<svg {size} role="img" aria-label="{escape(title)}">\n{body}\n</svg>'


SHAPES = ("dot", "square", "diamond", "triangle", "cross", "plus")
"""Markers of the first to sixth series, so that they differ without colour too."""


def _shape(kind: str) -> str:
    numbers = [int(name[1:]) for name in kind.split() if name[0] == "s" and name[1:].isdigit()]
    return SHAPES[numbers[0] % len(SHAPES)] if numbers else SHAPES[0]


def symbols() -> str:
    """Return the markers' definitions; once a page."""
    drawn = {
        "dot": '<circle r="4"/>',
        "square": '<rect x="-3.5" y="-3.5" width="7" height="7"/>',
        "diamond": '<path d="M0-5L5 0L0 5L-5 0Z"/>',
        "triangle": '<path d="M0-4.5L4.5 3.5H-4.5Z"/>',
        "cross": '<path class="stroked" d="M-3.5-3.5L3.5 3.5M-3.5 3.5L3.5-3.5"/>',
        "plus": '<path class="stroked" d="M0-4.5V4.5M-4.5 0H4.5"/>',
    }
    inside = "".join(f'<g id="{name}">{shape}</g>' for name, shape in drawn.items())
    return f'<svg width="0" height="0" aria-hidden="true" class="symbols"><defs>{inside}</defs></svg>'


def _place(value: Number | str) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
