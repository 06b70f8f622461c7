"""What the report says of the rater's errors: results, slices, errors, calibration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from reelgraph.report import captions, charts, summary, tables
from reelgraph.report.charts import Row
from reelgraph.report.inputs import Figures, Study
from reelgraph.report.labels import bin_name, fixed, name, signed, slice_name
from reelgraph.report.page import Figure, Section, figure

MAKE_TARGETS = {
    "external_baselines": "external-baselines",
    "ablation": "study-ablation",
    "probe": "study-probe",
}
"""Studies, and the make targets that run them."""

COLOURS = {"better": 0, "within chance": 4, "worse": 5}
"""Series of a paired difference, by what it says of the rater."""


def missing(study: str, found: Study) -> list[str]:
    """Return the note on a study that isn't there, or is of an older state."""
    what = name(study).capitalize()
    target = f"make {MAKE_TARGETS[study]}"
    if found.problem:
        return [f"{what}: {found.problem}. `{target}` measures it."]
    return [f"{what}: the pipeline has changed since; `{target}` measures it again."] if found.stale else []


def unmeasured(figures: Mapping[str, object]) -> list[str]:
    """Return the note on figures that a run doesn't have."""
    return [] if figures else [captions.UNMEASURED]


def results(found: Mapping[str, Figures], peers: Study) -> Section:
    """Return the result table, with both intervals drawn."""
    rows = [_row(key, row) for key, row in found.items()]
    paired = [_paired(key, row, found["rater"]) for key, row in found.items() if "rmse_diff_ci_low" in row]
    drawn = charts.intervals(rows, "RMSE (stars)", "RMSE of each model")
    figures = [figure("Error of each model", drawn, captions.RESULTS)]
    if paired:
        drawn = charts.intervals(paired, "difference of RMSE (stars)", "Rater minus each model", zero=True)
        figures.append(figure("Rater minus model", drawn, captions.PAIRED))
    return Section(
        "results",
        "Results",
        "Results",
        notes=missing("external_baselines", peers),
        figures=figures,
        tables=[tables.results(found)],
        folded_title="Both fits",
        folded=[tables.fits(found)],
    )


def _row(key: str, row: Figures) -> Row:
    own, value = key == "rater", row["rmse"]
    return Row(name(key), value, *tables.interval(row, "rmse"), int(not own), stressed=own)


def _paired(key: str, row: Figures, rater: Figures) -> Row:
    difference = rater["rmse"] - row["rmse"]
    series = COLOURS[tables.against(row)]
    return Row(name(key), difference, row["rmse_diff_ci_low"], row["rmse_diff_ci_high"], series)


def slices(figures: Figures) -> Section:
    """Return the errors by kind of target, against the model that each bin names as its ``peer``."""
    peer = tables.peer_of(figures)
    return Section(
        "slices",
        "Slices",
        "Where it wins and loses",
        texts=[summary.losses(figures), captions.SLICES.format(peer=peer)] if figures else [],
        notes=unmeasured(figures),
        figures=[_slice(key, bins, peer) for key, bins in figures.items() if len(bins) > 1],
        folded_title="The same in numbers",
        folded=list(tables.slices(figures, peer)),
    )


def _slice(key: str, bins: Figures, peer: str) -> Figure:
    rows = []
    for each, row in tables.sorted_bins(bins):
        label = f"{bin_name(each)} ({row['n_targets']:,})"
        rows.append(
            Row(label, row["rmse"], row["rmse_ci_low"], row["rmse_ci_high"], other=row["baseline_rmse"])
        )
    title = slice_name(key)
    drawn = charts.intervals(rows, "RMSE (stars)", f"Errors by: {title}", other=peer)
    return figure(title, drawn)


def errors(predictions: pa.Table) -> Section:
    """Return how predictions and errors are spread."""
    actual, predicted = predictions["rating"].to_numpy(), predictions["prediction"].to_numpy()
    off = predicted - actual
    quarter, half, whole = (float((np.abs(off) <= step).mean()) * 100 for step in (0.25, 0.5, 1.0))
    text = (
        f"The mean error is {signed(float(off.mean()))} stars, its standard deviation "
        f"{fixed(float(off.std()))}. {quarter:.0f} % of the predictions are off by at most a quarter star, "
        f"{half:.0f} % by at most half a star, {whole:.0f} % by at most one."
    )
    scatter = charts.scatter(actual, predicted, "Predictions against ratings")
    histogram = charts.histogram(off, "Histogram of the errors")
    figures = [
        figure("Predicted against given", scatter, captions.SCATTER),
        figure("Errors", histogram, captions.ERRORS),
    ]
    return Section("errors", "Errors", "How far off it is", texts=[text], figures=figures)


def calibration(figures: Figures, interval: Figures) -> Section:
    """Return whether a prediction of four stars means four stars, and the intervals hold what they say."""
    bins = [row for key, row in sorted(figures.items()) if key.startswith("bin_")]
    drawn = []
    if bins:
        picture = charts.calibration([_point(row) for row in bins], "Mean rating by mean prediction")
        drawn.append(figure("Calibration", picture, captions.CALIBRATION))
    return Section(
        "calibration",
        "Calibration",
        "Does four stars mean four stars?",
        texts=_calibrated(figures, interval),
        notes=unmeasured(figures),
        figures=drawn,
        tables=[tables.calibration(figures)] if bins else [],
        beside=True,
    )


def _point(row: Figures) -> tuple[float, float, float, float, int]:
    return row["predicted"], row["actual"], *tables.interval(row, "actual"), row["n_targets"]


def _calibrated(figures: Figures, interval: Figures) -> list[str]:
    said = []
    if "ece" in figures:
        off = fixed(figures["ece"])
        said.append(
            f"Averaged over the test ratings, a bin's prediction lies {off} stars from what was given."
        )
    if interval:
        said.append(
            f"Of the ratings {interval['coverage_80'] * 100:.1f} % lie inside the central 80 % interval "
            f"({fixed(interval['width_80'], 2)} stars wide on average) and "
            f"{interval['coverage_95'] * 100:.1f} % inside the 95 % interval "
            f"({fixed(interval['width_95'], 2)} stars). {captions.COVERAGE}"
        )
    return said
