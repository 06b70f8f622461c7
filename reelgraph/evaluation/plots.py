"""Plots of the test errors: each is drawn on given axes, for the PNG files here and for the report page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.runtime.plotting import ACCENT_COLOR, MUTED_COLOR, TEXT_COLOR, new_figure, save_figure

Stars = Float[np.ndarray, "targets"]

ERROR_BINS = [step / 4 for step in range(-19, 20)]
"""Edges of the error histogram, stars."""
MAX_POINTS = 5000
"""Points of a scatter plot: more of them hide one another."""


def draw_predicted_vs_actual(
    axes: Axes, actual: Stars, predicted: Stars, max_points: int = MAX_POINTS
) -> None:
    """Draw predictions against ratings, with horizontal jitter and the diagonal."""
    rng = np.random.default_rng(0)
    subset = rng.permutation(len(actual))[:max_points]
    jitter = rng.uniform(-0.12, 0.12, len(subset))
    alpha = float(np.clip(300 / max(len(subset), 1), 0.08, 0.5))
    x = actual[subset] + jitter
    axes.scatter(x, predicted[subset], s=12, alpha=alpha, color=ACCENT_COLOR, linewidths=0)
    axes.plot([MIN_STARS, MAX_STARS], [MIN_STARS, MAX_STARS], color=TEXT_COLOR, linewidth=1, label="perfect")
    _set_star_limits(axes)
    axes.set(xlabel="actual (stars)", ylabel="predicted (stars)")
    axes.legend(frameon=False, loc="upper left")


def draw_error_histogram(axes: Axes, actual: Stars, predicted: Stars) -> None:
    """Draw the histogram of predicted minus actual, with mean and standard deviation."""
    error = predicted - actual
    axes.hist(error, bins=ERROR_BINS, color=ACCENT_COLOR, edgecolor="white", linewidth=0.5)
    label = f"mean {error.mean():+.3f}\nstd {error.std():.3f}"
    axes.axvline(float(error.mean()), color=TEXT_COLOR, linewidth=1, label=label)
    axes.set(xlabel="predicted − actual (stars)", ylabel="targets")
    axes.legend(frameon=False, loc="upper left")


def draw_calibration(axes: Axes, bins: Mapping[str, Mapping[str, int | float]]) -> None:
    """Draw the mean rating against the mean prediction by bin; a marker's area is its number of targets."""
    rows = list(bins.values())
    x, y, low, high, count = (
        np.array([row[key] for row in rows], np.float64)
        for key in ("predicted", "actual", "actual_low", "actual_high", "n_targets")
    )
    axes.plot([MIN_STARS, MAX_STARS], [MIN_STARS, MAX_STARS], color=TEXT_COLOR, linewidth=1, label="perfect")
    spans = np.maximum([y - low, high - y], 0)
    axes.errorbar(x, y, spans, fmt="none", ecolor=MUTED_COLOR, capsize=3, label="95 % of resampled users")
    axes.scatter(x, y, s=12 + 200 * count / count.sum(), color=ACCENT_COLOR, zorder=3)
    _set_star_limits(axes)
    axes.set(xlabel="predicted (stars)", ylabel="mean actual (stars)")
    axes.legend(frameon=False, loc="upper left")


def draw_model_comparison(axes: Axes, errors: Mapping[str, Mapping[str, float]]) -> None:
    """Draw bars of RMSE and MAE a model, the best model on top."""
    names = sorted(errors, key=lambda name: (errors[name]["rmse"], name))
    positions = np.arange(len(names))
    for metric, shift, color in (("rmse", -0.2, ACCENT_COLOR), ("mae", 0.2, MUTED_COLOR)):
        values = [errors[name][metric] for name in names]
        bars = axes.barh(positions + shift, values, height=0.38, color=color, label=metric.upper())
        axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    axes.set_yticks(positions, names)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, -0.32), ncols=2)


def _set_star_limits(axes: Axes) -> None:
    limits = (MIN_STARS - 0.3, MAX_STARS + 0.3)
    axes.set(xlim=limits, ylim=limits)


def save_evaluation(
    actual: Stars, predicted: Stars, errors: Mapping[str, Mapping[str, float]], folder: Path | str
) -> None:
    """Write the scatter plot of predictions, the histogram of errors, and the bars of all models' errors.

    Args:
        actual: ratings of the test targets.
        predicted: the rater's predictions.
        errors: model → ``rmse`` and ``mae``.
        folder: folder of predicted_actual.png, errors.png and baselines.png.
    """
    figure, axes = new_figure("Predicted against actual", "", "", square=True)
    draw_predicted_vs_actual(axes, actual, predicted)
    save_figure(figure, Path(folder) / "predicted_actual.png")
    figure, axes = new_figure("Errors on the test targets", "", "")
    draw_error_histogram(axes, actual, predicted)
    save_figure(figure, Path(folder) / "errors.png")
    figure, axes = new_figure("Model against baselines", "stars (less is better)", "")
    draw_model_comparison(axes, errors)
    save_figure(figure, Path(folder) / "baselines.png")


def save_calibration(bins: Mapping[str, Mapping[str, int | float]], path: Path | str) -> None:
    """Write the calibration plot."""
    figure, axes = new_figure("Calibration", "", "", square=True)
    draw_calibration(axes, bins)
    save_figure(figure, path)
