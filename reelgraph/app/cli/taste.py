"""The commands ``compare`` and ``backtest``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelgraph.app.cli.context import (
    RATINGS_HELP,
    BundleOption,
    JsonOption,
    ScaleOption,
    exit_on_error,
    open_histories,
    print_result,
)

if TYPE_CHECKING:
    from reelgraph.app.bundle.taste import Backtest, TasteLikeness


def compare(
    first: Annotated[Path, typer.Argument(help=RATINGS_HELP)],
    second: Annotated[Path, typer.Argument(help="The ratings of another user.")],
    scale: ScaleOption = None,
    bundle: BundleOption = None,
    json: JsonOption = False,
) -> None:
    """Compare the tastes of two users: the correlation of what is predicted for them, with an 80 % interval.

    Example: reelgraph compare ann.zip ben.zip
    """
    with exit_on_error(json):
        from reelgraph.app.bundle.taste import compare_tastes

        model, histories = open_histories([first, second], bundle, scale)
        likeness = compare_tastes(model, *histories)
        print_result({"compare": likeness}, json, lambda: format_likeness(likeness))


def backtest(
    file: Annotated[Path, typer.Argument(help=RATINGS_HELP)],
    scale: ScaleOption = None,
    bundle: BundleOption = None,
    json: JsonOption = False,
) -> None:
    """Predict the later half of your ratings from the earlier ones, and measure the error.

    Example: reelgraph backtest letterboxd.zip
    """
    with exit_on_error(json):
        from reelgraph.app.bundle.taste import backtest as run_backtest

        model, [history] = open_histories([file], bundle, scale)
        result = run_backtest(model, history)
        print_result({"backtest": result}, json, lambda: format_backtest(result))


def format_likeness(likeness: TasteLikeness) -> str:
    """Return the likeness of two tastes as text."""
    interval = f"80 % interval {likeness.low:.2f} to {likeness.high:.2f}"
    lines = [f"correlation of the tastes: {likeness.correlation:.2f}, {interval}"]
    if likeness.common_correlation is None:
        return "\n".join([*lines, f"movies that both rated: {likeness.common}"])
    common = f"{likeness.common}; correlation of their ratings: {likeness.common_correlation:.2f}"
    return "\n".join([*lines, f"movies that both rated: {common}"])


def format_backtest(result: Backtest) -> str:
    """Return the errors of a backtest as text."""
    lines = [
        f"{result.targets:,} later ratings, each predicted from the earlier ones:",
        f"RMSE {result.rmse:.3f} stars, 95 % interval {result.rmse_low:.3f} to {result.rmse_high:.3f}",
        f"RMSE {result.movie_rmse:.3f} of the prediction for a user without ratings",
        f"RMSE {result.own_mean_rmse:.3f} of your own earlier mean",
    ]
    if result.coverage is not None:
        lines.append(f"{result.coverage:.0%} of the ratings are in their 80 % sets")
    return "\n".join(lines)
