"""The report's pictures: what is drawn where; colours and fonts are the page's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.report.svg import WIDTH, Number, Picture, Scale, number, padded

Stars = Float[np.ndarray, " targets"]
Curve = Sequence[tuple[Number, Number]]

LEFT, RIGHT, TOP, BOTTOM = 46, WIDTH - 12, 34, 42
ROW = 26
LETTER = 7.4
"""Width of a letter at most, on a phone, where they are larger."""
LOG_SPAN = 1000.0
"""Lowest value of a log scale, as a part of the highest."""
MOST_POINTS = 2500
"""Points of a scatter: more hide each other."""


class Row(NamedTuple):
    """One line of an interval picture."""

    label: str
    value: Number
    low: Number
    high: Number
    series: int = 0
    other: Number | None = None
    """Where what it is compared with stands."""
    stressed: bool = False


def curves(series: Mapping[str, Curve], x: str, y: str, title: str, log: bool = False) -> str:
    """Draw lines, one a series, with their names above."""
    points = [point for curve in series.values() for point in curve]
    low, high = padded(value for _, value in points)
    if log:
        high = max(value for _, value in points) * 1.1
        low = max(min(value for _, value in points) * 0.9, high / LOG_SPAN)
    across = Scale(*padded((at for at, _ in points), 0.0), LEFT, RIGHT)
    drawn = Picture(270, across, Scale(low, high, 270 - BOTTOM, TOP + 22, log))
    drawn.x_axis(x)
    drawn.y_axis(y)
    for at, (name, curve) in enumerate(series.items()):
        drawn.path(f"line s{at}", [(place, max(value, low)) for place, value in curve])
        if len(curve) < 25:
            for place in curve:
                drawn.mark(f"mark s{at}", drawn.x(place[0]), drawn.y(place[1]), f"{name}: {place[1]:.4g}")
    legend(drawn, list(series))
    return drawn.svg(title)


def legend(drawn: Picture, names: Sequence[str]) -> None:
    """Name the series in a line at the top right, as far as they fit."""
    widths = [22 + 6.6 * len(name) for name in names]
    place = RIGHT - sum(widths)
    for at, (name, width) in enumerate(zip(names, widths, strict=True)):
        drawn.mark(f"mark s{at}", place + 5, 10)
        drawn.add("text", "tick", name, x=place + 13, y=14)
        place += width


def scatter(actual: Stars, predicted: Stars, title: str) -> str:
    """Draw predictions against ratings, spread sideways a little, with the diagonal."""
    draw = np.random.default_rng(0)
    shown = draw.permutation(len(actual))[:MOST_POINTS]
    jitter = draw.uniform(-0.16, 0.16, len(shown))
    square = 380.0
    drawn = Picture(
        square,
        Scale(MIN_STARS - 0.3, MAX_STARS + 0.3, LEFT, RIGHT),
        Scale(MIN_STARS - 0.3, MAX_STARS + 0.3, square - BOTTOM, TOP),
    )
    drawn.x_axis("given (stars)", range(1, 6))
    drawn.y_axis("predicted (stars)", range(1, 6))
    for a, p in zip(actual[shown] + jitter, predicted[shown], strict=True):
        drawn.parts.append(f'<path class="point" d="M{drawn.x(float(a)):.0f} {drawn.y(float(p)):.0f}h0"/>')
    drawn.path("rule", [(MIN_STARS, MIN_STARS), (MAX_STARS, MAX_STARS)])
    return drawn.svg(title)


def histogram(errors: Stars, title: str) -> str:
    """Draw how often which error occurs, in quarter stars, with the mean."""
    counts, edges = np.histogram(errors, np.arange(-4.625, 4.75, 0.25))
    drawn = Picture(
        380.0,
        Scale(-4.6, 4.6, LEFT, RIGHT),
        Scale(0, float(counts.max(initial=1)) * 1.05, 380 - BOTTOM, TOP),
    )
    drawn.x_axis("predicted − given (stars)", range(-4, 5))
    drawn.y_axis("test ratings")
    base = drawn.y(0)
    for count, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            a, b, top = drawn.x(float(left)), drawn.x(float(right)), drawn.y(float(count))
            drawn.add("rect", "bar", x=a + 0.75, y=top, width=b - a - 1.5, height=base - top)
    mean = float(errors.mean())
    drawn.path("rule", [(mean, 0), (mean, drawn.y.high)])
    return drawn.svg(title)


def intervals(rows: Sequence[Row], label: str, title: str, zero: bool = False, other: str = "") -> str:
    """Draw a dot and its interval a row; ``other`` names the small mark of what it is compared with.

    Args:
        rows: from top to bottom.
        label: of the axis.
        title: of the picture.
        zero: mark zero with a line.
        other: name of the comparison, if the rows have one.
    """
    places = [v for r in rows for v in (r.low, r.high, r.value, r.other) if v is not None]
    low, high = padded([*places, 0.0] if zero else places, 0.05)
    left = 20 + LETTER * max(len(row.label) for row in rows)
    top = TOP if other else 12
    height = top + ROW * len(rows) + BOTTOM
    drawn = Picture(height, Scale(low, high, left, RIGHT), Scale(0, len(rows), top, height - BOTTOM))
    # The rows run downwards, so the grid's lines run from the first to the last of them.
    drawn.y = Scale(0, len(rows), height - BOTTOM, top)
    drawn.x_axis(label, drawn.x.ticks(max(2, int((RIGHT - left) // 62))))
    if zero:
        drawn.add("line", "rule", x1=drawn.x(0), x2=drawn.x(0), y1=top, y2=height - BOTTOM)
    for at, row in enumerate(rows):
        y = top + ROW * (at + 0.5)
        kind = "name stressed end" if row.stressed else "name end"
        drawn.add("text", kind, row.label, x=left - 14, y=y + 4)
        drawn.add("line", f"whisker s{row.series}", x1=drawn.x(row.low), x2=drawn.x(row.high), y1=y, y2=y)
        if row.other is not None:
            drawn.mark("mark s1", drawn.x(row.other), y, f"{other}: {row.other:.3f}")
        said = f"{row.label}: {row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
        drawn.mark(f"mark s{row.series}", drawn.x(row.value), y, said)
    if other:
        legend(drawn, ["rater", other])
    return drawn.svg(title)


def dots(table: Mapping[str, Mapping[str, Number]], label: str, title: str) -> str:
    """Draw a line a row with one mark a column, on a log scale.

    Args:
        table: row → column → value above 0.
        label: of the axis.
        title: of the picture.
    """
    columns = list(dict.fromkeys(name for row in table.values() for name in row))
    values = [max(value, 1e-4) for row in table.values() for value in row.values()]
    left, height = 20 + LETTER * max(map(len, table)), TOP + 16 + ROW * len(table) + BOTTOM
    drawn = Picture(
        height,
        Scale(min(values) * 0.8, max(1.0, max(values)), left, RIGHT, log=True),
        Scale(0, len(table), height - BOTTOM, TOP + 16),
    )
    drawn.x_axis(label)
    for at, (name, row) in enumerate(table.items()):
        y = TOP + 16 + ROW * (at + 0.5)
        drawn.add("text", "name end", name, x=left - 14, y=y + 4)
        drawn.add("line", "grid", x1=left, x2=RIGHT, y1=y, y2=y)
        for column, value in row.items():
            kind = f"mark s{columns.index(column)}"
            drawn.mark(kind, drawn.x(max(value, 1e-4)), y, f"{name}, {column}: {number(value)}")
    _two_lines(drawn, columns)
    return drawn.svg(title)


def _two_lines(drawn: Picture, names: Sequence[str]) -> None:
    """Name up to six series, three a line."""
    for at, name in enumerate(names):
        x, y = LEFT + (at % 3) * 130, 10 + (at // 3) * 18
        drawn.mark(f"mark s{at}", x, y)
        drawn.add("text", "tick", name, x=x + 9, y=y + 4)


def calibration(bins: Sequence[tuple[Number, Number, Number, Number, Number]], title: str) -> str:
    """Draw mean rating against mean prediction a bin, with its interval and the diagonal.

    Args:
        bins: mean prediction, mean rating, its lowest and highest likely value (stars), targets.
        title: of the picture.
    """
    size = 380.0
    low, high = padded([value for one in bins for value in one[:4]], 0.04)
    drawn = Picture(size, Scale(low, high, LEFT, RIGHT), Scale(low, high, size - BOTTOM, TOP))
    drawn.x_axis("mean prediction (stars)")
    drawn.y_axis("mean rating given (stars)")
    drawn.path("rule", [(low, low), (high, high)])
    for predicted, actual, least, most, targets in bins:
        x = drawn.x(predicted)
        drawn.add("line", "whisker s0", x1=x, x2=x, y1=drawn.y(least), y2=drawn.y(most))
        drawn.mark("mark s0", x, drawn.y(actual), f"{actual:.2f} given, {targets:,.0f} ratings")
    return drawn.svg(title)
