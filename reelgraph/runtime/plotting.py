"""How pictures look and are kept: as PNG, same numbers, same bytes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reelgraph.runtime.atomic_io import atomic_write

TEXT_COLOR, ACCENT_COLOR, MUTED_COLOR = "#1f2933", "#2f6fde", "#9aa5b1"


def new_figure(title: str, x: str, y: str, square: bool = False) -> tuple[Figure, Axes]:
    """Return an empty figure with its axes, titled and labelled."""
    drawn = Figure(figsize=(5, 5) if square else (6.4, 4.2), layout="constrained")
    axes = drawn.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes


def save_figure(drawn: Figure, path: Path | str) -> None:
    """Write the figure as PNG."""
    with atomic_write(path) as draft, mpl.rc_context({"savefig.dpi": 110}):
        drawn.savefig(draft, format="png", metadata={"Software": None})
