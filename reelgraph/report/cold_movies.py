"""Section on cold movies: errors by the number of training ratings of the target's movie."""

from __future__ import annotations

from reelgraph.report.inputs import Inputs, Metrics
from reelgraph.report.labels import fixed, label, signed, slice_label
from reelgraph.report.page import Section
from reelgraph.report.results import missing_notes
from reelgraph.report.tables import Table, rater_verdict

TEXT = (
    "A movie without ratings is predicted from its text and its graph alone. The mean error is "
    "prediction minus rating; coverage is the fraction of ratings inside the 80 % interval, its ends "
    "randomized. The best baseline is the one with the lowest error on the ratings of the row, which "
    "favours the baselines. The verdict is on the baseline with the lowest validation error. Rows of "
    "fewer than 30 ratings have none."
)


def cold_movies_section(inputs: Inputs) -> Section:
    """Return the errors of the rater and the best baselines by the ratings of a movie."""
    bins: Metrics = inputs.metrics["slices"].get("popularity", {})
    return Section(
        "cold-movies",
        "Cold movies",
        "Movies with few ratings",
        texts=[TEXT] if bins else [],
        notes=missing_notes(bins),
        tables=[cold_movies_table(inputs)] if bins else [],
    )


def cold_movies_table(inputs: Inputs) -> Table:
    """Return a row for each number of training ratings."""
    coverage = inputs.metrics["probabilities"].get("rater", {}).get("popularity", {})
    header = (
        slice_label("popularity"),
        "targets",
        "RMSE",
        "mean error",
        "80 % coverage",
        "best baseline",
        "RMSE",
        "mean error",
        "the rater is",
    )
    rows = []
    for name, row in inputs.metrics["slices"]["popularity"].items():
        covered = coverage.get(name, {}).get("coverage_80")
        cells = (
            name,
            f"{row['n_targets']:,}",
            fixed(row["rmse"]),
            signed(row["mean_error"]),
            "–" if covered is None else f"{covered * 100:.0f} %",
            label(row["bin_best"]),
            fixed(row["bin_best_rmse"]),
            signed(row["bin_best_mean_error"]),
            rater_verdict(row) or "–",
        )
        rows.append(cells)
    return Table("Errors by the number of a movie's training ratings, in stars", header, rows)
