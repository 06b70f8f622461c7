"""Matplotlib figures in the style of all plots. The same data give the same PNG bytes.

A module of its own, since importing matplotlib is slow and most stages draw nothing.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reelgraph.runtime.atomic_io import atomic_write

TEXT_COLOR = "#1f2933"
ACCENT_COLOR = "#2f6fde"
MUTED_COLOR = "#9aa5b1"


def new_figure(title: str, x: str, y: str, square: bool = False) -> tuple[Figure, Axes]:
    """Return an empty figure and its axes, with title and axis labels."""
    figure = Figure(figsize=(5, 5) if square else (6.4, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write the figure as PNG."""
    with atomic_write(path) as temp_path, mpl.rc_context({"savefig.dpi": 110}):
        figure.savefig(temp_path, format="png", metadata={"Software": None})
