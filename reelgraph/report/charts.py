"""The report's charts: drawn with matplotlib, exported as inline SVG in the colours of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from reelgraph.evaluation import plots
from reelgraph.runtime.plotting import ACCENT_COLOR, MUTED_COLOR, TEXT_COLOR

Stars = Float[np.ndarray, " targets"]
Number = float | int
Curve = Sequence[tuple[Number, Number]]

WIDTH = 440
"""Width of every chart, CSS pixels: two fit side by side, and one is readable on a phone."""
ROW_HEIGHT = 26.0
SQUARE_HEIGHT = 400.0
MAX_POINTS = 2500
"""Points of the scatter chart: more of them hide one another."""
LOG_RANGE = 1000.0
"""Ratio of the highest to the lowest value of a log axis, at most."""
MIN_LOG_VALUE = 1e-4
"""Lowest value that a log axis shows; lower ones stand there."""
MAX_MARKED_POINTS = 24
"""Points of a curve, at most, for each of them to have a marker."""

SERIES_COLORS = ("#1f5fbf", "#b8560f", "#1a7f6b", "#8a3fa0", "#6b7280", "#a3123f")
MARKERS = ("o", "s", "D", "^", "x", "+")
LINE_STYLES = ("-", (0, (7, 3)), (0, (2, 3)), (0, (9, 3, 2, 3)), (0, (1, 2)), "-")
N_STYLES = len(SERIES_COLORS)
"""Series with a style of their own; further ones repeat them."""
GRID_COLOR = "#e2dfd8"

CSS_COLORS = {
    **{color: f"var(--s{i})" for i, color in enumerate(SERIES_COLORS)},
    GRID_COLOR: "var(--line)",
    ACCENT_COLOR: "var(--s0)",
    TEXT_COLOR: "var(--ink)",
    MUTED_COLOR: "var(--soft)",
    "#000000": "var(--soft)",
    "#ffffff": "var(--card)",
}
"""Matplotlib's colours, and the page's custom properties that replace them: these follow dark mode."""

STYLE: dict[Any, Any] = {
    # Wider than the page's text on a phone, so that no label is cut off there.
    "font.size": 13.5,
    "xtick.labelsize": 13.5,
    "ytick.labelsize": 13.5,
    "axes.labelsize": 13.5,
    "legend.fontsize": 13.5,
    "axes.grid": True,
    "axes.grid.axis": "both",
    "grid.color": GRID_COLOR,
    "grid.linewidth": 1.0,
    "axes.axisbelow": True,
    "axes.spines.left": False, "axes.spines.right": False,
    "axes.spines.top": False, "axes.spines.bottom": False,
    "xtick.major.size": 0, "ytick.major.size": 0, "xtick.minor.size": 0, "ytick.minor.size": 0,
    "svg.fonttype": "none",
}  # fmt: skip


class IntervalRow(NamedTuple):
    """One line of an interval chart."""

    label: str
    value: Number
    low: Number
    high: Number
    series: int = 0
    baseline: Number | None = None
    """Value of the model that the row is compared with."""
    emphasized: bool = False


def draw_chart(draw: Callable[[Axes], None], label: str, height: float = 270.0) -> str:
    """Return the chart that ``draw`` puts on the axes, as an SVG element.

    Args:
        draw: draws on empty axes.
        label: what the chart shows, for screen readers; no two charts of a page have the same.
        height: CSS pixels.
    """
    with mpl.rc_context({**STYLE, "svg.hashsalt": label}):
        drawn = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        FigureCanvasSVG(drawn)  # for the layout, which else measures text in pixels
        draw(drawn.add_subplot())
        ConstrainedLayoutEngine().execute(drawn)  # an engine of the figure would draw it twice
        buffer = io.StringIO()
        no_metadata = {"Creator": None, "Date": None, "Format": None, "Type": None}
        drawn.savefig(buffer, format="svg", transparent=True, metadata=no_metadata)
    return _inline_svg(buffer.getvalue(), label, height)


def _inline_svg(svg: str, label: str, height: float) -> str:
    """Strip what an SVG element inside HTML needs not, and replace colours and fonts by the page's."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<style type=.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="tooltip (.*?)">', r"<g><title>\1</title>", body)
    referenced = set(re.findall(r"#([a-z][0-9a-f]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in referenced else "", body)
    body = re.sub(r"<[^>]+>", _page_style, body)
    size = f'viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}"'
    return f'<svg {size} role="img" aria-label="{escape(label)}">{_without_blanks(body)}</svg>'


def _page_style(match: re.Match[str]) -> str:
    """Return a tag with the page's colours and font, and with shorter numbers."""
    tag = re.sub(r"(?<!&)#[0-9a-f]{6}\b", lambda color: CSS_COLORS.get(color[0], color[0]), match[0])
    tag = re.sub(r"font: (?:bold|700) [^;\"]*;?\s*", "font-weight: 650; ", tag)
    tag = re.sub(r"font-(?:size|family): [^;\"]*;?\s*", "", tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", tag)
    tag = re.sub(r"-?\d+\.\d+", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag)
    return tag.replace("xlink:href", "href").replace(' style=""', "")


def _without_blanks(body: str) -> str:
    body = re.sub(r">\s+<", "><", body.strip())
    while "<g></g>" in body:
        body = body.replace("<g></g>", "")
    return re.sub(r"\s*\n\s*", " ", body)


def draw_curves(series: Mapping[str, Curve], x: str, y: str, label: str, log: bool = False) -> str:
    """Return a line chart with one line a series.

    Args:
        series: name → points.
        x: label of the x axis.
        y: label of the y axis.
        label: what the chart shows.
        log: put y on a log axis that spans at most ``LOG_RANGE``, if any value is positive.
    """

    def draw(axes: Axes) -> None:
        for i, (name, curve) in enumerate(series.items()):
            xs, ys = np.array(curve, np.float64).reshape(-1, 2).T
            color = SERIES_COLORS[i % N_STYLES]
            axes.plot(xs, ys, color=color, linestyle=LINE_STYLES[i % N_STYLES], linewidth=2, label=name)
            if len(curve) <= MAX_MARKED_POINTS:
                for point in curve:
                    _mark(axes, *point, i, f"{name}: {point[1]:.4g}")
        values = [value for curve in series.values() for _, value in curve]
        highest = max(values, default=0.0)
        if log and highest > 0:
            lowest = min(values)
            axes.set_yscale("log")
            axes.set_ylim(max(lowest * 0.9, highest * 1.1 / LOG_RANGE), highest * 1.1)
            _format_log_axis(axes.yaxis)
        axes.set(xlabel=x, ylabel=y)
        _legend_above(axes)

    return draw_chart(draw, label)


def draw_intervals(
    rows: Sequence[IntervalRow], x: str, label: str, zero_line: bool = False, baseline: str = ""
) -> str:
    """Return a chart of one value with its interval a row.

    Args:
        rows: from top to bottom.
        x: label of the x axis.
        label: what the chart shows.
        zero_line: mark zero by a dashed line.
        baseline: name of the model that the rows are compared with, if they are.
    """

    def draw(axes: Axes) -> None:
        for position, row in enumerate(rows):
            color = SERIES_COLORS[row.series]
            axes.plot([row.low, row.high], [position] * 2, color=color, linewidth=2.2, alpha=0.55)
            if row.baseline is not None:
                _mark(axes, row.baseline, position, 1, f"{baseline}: {row.baseline:.3f}")
            interval = f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
            _mark(axes, row.value, position, row.series, f"{row.label}: {interval}")
        _name_rows(axes, [row.label for row in rows])
        for text, row in zip(axes.get_yticklabels(), rows, strict=True):
            if row.emphasized:
                text.set(color=SERIES_COLORS[0], fontweight="bold")
        if zero_line:
            axes.axvline(0, color=TEXT_COLOR, linewidth=1.2, linestyle="--")
        axes.set_xlabel(x)
        if baseline:
            _marker_legend(axes, ["rater", baseline])

    return draw_chart(draw, label, ROW_HEIGHT * len(rows) + (85 if baseline else 60))


def draw_dots(table: Mapping[str, Mapping[str, Number]], x: str, label: str) -> str:
    """Return a chart with a line a row and a mark a column, on a log axis.

    Args:
        table: row → column → value above 0.
        x: label of the x axis.
        label: what the chart shows.
    """
    columns = list(dict.fromkeys(name for row in table.values() for name in row))

    def draw(axes: Axes) -> None:
        for position, (name, row) in enumerate(table.items()):
            for column, value in row.items():
                text = f"{name}, {column}: {value:.6g}"
                _mark(axes, max(value, MIN_LOG_VALUE), position, columns.index(column), text)
        _name_rows(axes, list(table))
        axes.yaxis.grid(True)
        axes.set_xscale("log")
        _format_log_axis(axes.xaxis)
        axes.set_xlabel(x)
        _marker_legend(axes, columns)

    return draw_chart(draw, label, ROW_HEIGHT * len(table) + 105)


def draw_predicted_vs_actual(actual: Stars, predicted: Stars, label: str) -> str:
    """Return the scatter chart of predictions against ratings."""
    points = partial(
        plots.draw_predicted_vs_actual, actual=actual, predicted=predicted, max_points=MAX_POINTS
    )
    return draw_chart(points, label, SQUARE_HEIGHT)


def draw_error_histogram(actual: Stars, predicted: Stars, label: str) -> str:
    """Return the histogram of the errors."""
    histogram = partial(plots.draw_error_histogram, actual=actual, predicted=predicted)
    return draw_chart(histogram, label, SQUARE_HEIGHT)


def draw_calibration(bins: Mapping[str, Mapping[str, int | float]], label: str) -> str:
    """Return mean ratings against mean predictions by bin."""
    return draw_chart(partial(plots.draw_calibration, bins=bins), label, SQUARE_HEIGHT)


def _mark(axes: Axes, x: Number, y: Number, series: int, tooltip: str) -> None:
    style = series % N_STYLES
    (marker,) = axes.plot(
        x, y, MARKERS[style], color=SERIES_COLORS[style], markersize=7, markeredgewidth=1.5, zorder=3
    )
    marker.set_gid(f"tooltip {tooltip}")


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.tick_params("y", labelcolor=TEXT_COLOR)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.yaxis.grid(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _marker_legend(axes: Axes, names: Sequence[str]) -> None:
    for i, name in enumerate(names):
        axes.plot([], [], MARKERS[i % N_STYLES], color=SERIES_COLORS[i % N_STYLES], label=name)
    _legend_above(axes)


def _legend_above(axes: Axes) -> None:
    columns = min(3, len(axes.get_legend_handles_labels()[0]))
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, frameon=False, borderaxespad=0,
        handlelength=1.4, columnspacing=1, handletextpad=0.5,
    )  # fmt: skip


def _format_log_axis(axis: Axis) -> None:
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
