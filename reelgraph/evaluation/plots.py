"""Pictures of the test errors, as PNG: same numbers, same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.runtime.plotting import ACCENT_COLOR, MUTED_COLOR, TEXT_COLOR, new_figure, save_figure

Stars = Float[np.ndarray, "targets"]

BINS = [step / 4 for step in range(-19, 20)]
"""Edges of the error histogram, stars."""
MOST_POINTS = 5000
"""Points of a scatter: more hide each other."""


def predicted_vs_actual(actual: Stars, predicted: Stars, path: Path | str) -> None:
    """Scatter of predictions against ratings, spread sideways a little, with the diagonal."""
    drawn, axes = new_figure("Predicted against actual", "actual (stars)", "predicted (stars)", square=True)
    generator = np.random.default_rng(0)
    shown = generator.permutation(len(actual))[:MOST_POINTS]
    jitter = generator.uniform(-0.12, 0.12, len(shown))
    alpha = float(np.clip(300 / max(len(shown), 1), 0.08, 0.5))
    axes.scatter(
        actual[shown] + jitter, predicted[shown], s=12, alpha=alpha, color=ACCENT_COLOR, linewidths=0
    )
    axes.plot([MIN_STARS, MAX_STARS], [MIN_STARS, MAX_STARS], color=TEXT_COLOR, linewidth=1, label="perfect")
    axes.set(xlim=(MIN_STARS - 0.3, MAX_STARS + 0.3), ylim=(MIN_STARS - 0.3, MAX_STARS + 0.3))
    axes.legend(frameon=False, loc="upper left")
    save_figure(drawn, path)


def error_histogram(actual: Stars, predicted: Stars, path: Path | str) -> None:
    """Histogram of predicted minus actual, with mean and standard deviation."""
    error = predicted - actual
    drawn, axes = new_figure("Errors on the test targets", "predicted − actual (stars)", "targets")
    axes.hist(error, bins=BINS, color=ACCENT_COLOR, edgecolor="white", linewidth=0.5)
    label = f"mean {error.mean():+.3f}, standard deviation {error.std():.3f}"
    axes.axvline(float(error.mean()), color=TEXT_COLOR, linewidth=1, label=label)
    axes.legend(frameon=False)
    save_figure(drawn, path)


def model_comparison(scores: Mapping[str, Mapping[str, float]], path: Path | str) -> None:
    """Bars of RMSE and MAE a model, the best first."""
    names = sorted(scores, key=lambda name: (scores[name]["rmse"], name))
    drawn, axes = new_figure("Model against baselines", "stars (less is better)", "")
    places = np.arange(len(names))
    for metric, shift, color in (("rmse", -0.2, ACCENT_COLOR), ("mae", 0.2, MUTED_COLOR)):
        values = [scores[name][metric] for name in names]
        bars = axes.barh(places + shift, values, height=0.38, color=color, label=metric.upper())
        axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, -0.32), ncols=2)
    save_figure(drawn, path)


def calibration(found: Mapping[str, object], path: Path | str) -> None:
    """Mean rating against mean prediction by bin, with intervals and the diagonal; area is targets."""
    rows = [row for _, row in sorted(found.items()) if isinstance(row, Mapping)]
    x, y, low, high, count = (
        np.array([row[key] for row in rows], np.float64)
        for key in ("predicted", "actual", "actual_ci_low", "actual_ci_high", "n_targets")
    )
    drawn, axes = new_figure("Calibration", "predicted (stars)", "mean actual (stars)", square=True)
    axes.plot([MIN_STARS, MAX_STARS], [MIN_STARS, MAX_STARS], color=TEXT_COLOR, linewidth=1, label="perfect")
    spans = np.maximum([y - low, high - y], 0)
    axes.errorbar(x, y, spans, fmt="none", ecolor=MUTED_COLOR, capsize=3, label="95 % of resampled users")
    axes.scatter(x, y, s=12 + 200 * count / count.sum(), color=ACCENT_COLOR, zorder=3)
    axes.set(xlim=(MIN_STARS - 0.3, MAX_STARS + 0.3), ylim=(MIN_STARS - 0.3, MAX_STARS + 0.3))
    axes.legend(frameon=False, loc="upper left")
    save_figure(drawn, path)
