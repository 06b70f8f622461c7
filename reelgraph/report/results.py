"""Sections on the rater's errors: results, slices, errors and calibration, and their summaries."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reelgraph.evaluation.calibration import expected_calibration_error
from reelgraph.evaluation.slices import MIN_BIN_TARGETS
from reelgraph.report import charts, labels, tables
from reelgraph.report.charts import IntervalRow
from reelgraph.report.inputs import STUDIES, Inputs, Metrics, Study
from reelgraph.report.labels import fixed, join_words, label, signed, slice_label, span
from reelgraph.report.page import Figure, Section, to_figure
from reelgraph.report.tables import interval_of, rater_verdict
from reelgraph.sequences.movie_splits import MOVIE_SPLITS

VERDICT_SERIES = {"better": 0, "within chance": 4, "worse": 5}
"""Colour of a paired difference by its verdict on the rater."""


def study_notes(key: str, study: Study) -> list[str]:
    """Return the note on a study that has not been run, or ran on an older pipeline."""
    name = label(key).capitalize()
    target = f"make {STUDIES[key].make_target}"
    if study.problem:
        return [f"{name}: {study.problem}. Run it with `{target}`."]
    return [f"{name}: the pipeline has changed since. Run it again with `{target}`."] if study.stale else []


def missing_notes(metrics: Mapping[str, object]) -> list[str]:
    """Return the note on metrics that this run does not have."""
    return [] if metrics else [labels.NOT_MEASURED]


def results_section(inputs: Inputs) -> Section:
    """Return the errors of all models, with intervals and paired differences."""
    models = tables.all_models(inputs)
    rows = [_model_row(key, row) for key, row in models.items()]
    differences = [
        _difference_row(key, row, models["rater"]) for key, row in models.items() if "rmse_diff_low" in row
    ]
    chart = charts.draw_intervals(rows, "RMSE (stars)", "RMSE of each model")
    clusters = "users and movies" if inputs.params["sequences"]["split"] in MOVIE_SPLITS else "users"
    figures = [to_figure("RMSE of each model", chart, labels.RESULTS_CAPTION.format(clusters=clusters))]
    if differences:
        chart = charts.draw_intervals(
            differences,
            "RMSE difference (stars)",
            "RMSE of the rater minus RMSE of each model",
            zero_line=True,
        )
        figures.append(to_figure("Rater minus model", chart, labels.PAIRED_CAPTION))
    return Section(
        "results",
        "Results",
        "Results",
        notes=study_notes("external_baselines", inputs.studies["external_baselines"]),
        figures=figures,
        tables=[tables.results_table(models)],
        folded_title="Errors by fit",
        folded=[tables.fits_table(models)],
    )


def _model_row(key: str, row: Metrics) -> IntervalRow:
    is_rater = key == "rater"
    low, high = interval_of(row, "rmse")
    return IntervalRow(label(key), row["rmse"], low, high, series=int(not is_rater), emphasized=is_rater)


def _difference_row(key: str, row: Metrics, rater: Metrics) -> IntervalRow:
    low = row["rmse_diff_low"]
    high = row["rmse_diff_high"]
    return IntervalRow(label(key), rater["rmse"] - row["rmse"], low, high, VERDICT_SERIES[rater_verdict(row)])


def summarize_models(models: Mapping[str, Metrics]) -> list[str]:
    """Return sentences on the rater's errors and its comparison with all models.

    Args:
        models: the models, the best first, as ``tables.all_models`` returns them.
    """
    rater = models["rater"]
    interval = span(rater.get("rmse_low"), rater.get("rmse_high"))
    sentences = [
        f"On {rater['n_targets']:,} test ratings the rater has an RMSE of {fixed(rater['rmse'])} stars "
        f"(95 % interval {interval}) and an MAE of {fixed(rater['mae'])}."
    ]
    others = {key: row for key, row in models.items() if key != "rater"}
    return [*sentences, *_summarize_comparison(others)] if others else sentences


def _summarize_comparison(others: Mapping[str, Metrics]) -> list[str]:
    by_verdict: dict[str, list[str]] = {}
    for key, row in others.items():
        by_verdict.setdefault(rater_verdict(row), []).append(key)
    better = by_verdict.get("better", [])
    within_chance = by_verdict.get("within chance", [])
    worse = by_verdict.get("worse", [])
    sentences = []
    if worse:
        sentences.append(f"It is significantly worse than {_join_labels(worse)}.")
    if within_chance:
        sentences.append(f"Its difference to {_join_labels(within_chance)} is not significant.")
    if better and not (worse or within_chance):
        nearest = others[better[0]]
        gap = span(nearest["rmse_diff_low"], nearest["rmse_diff_high"], sign=True)
        sentences.append(
            "It is significantly better than every other model; the nearest, "
            f"{label(better[0])}, has an RMSE of {fixed(nearest['rmse'])} (rater minus model: {gap})."
        )
    elif better:
        sentences.append(f"It is significantly better than {_join_labels(better)}.")
    else:
        sentences.append("It is not significantly better than any model.")
    return sentences


def _join_labels(keys: list[str]) -> str:
    return join_words([label(key) for key in keys])


def slices_section(inputs: Inputs) -> Section:
    """Return the errors by slice, compared with the baseline that each bin names."""
    slices = inputs.metrics["slices"]
    baseline = tables.baseline_of(slices)
    return Section(
        "slices",
        "Slices",
        "Errors by slice",
        texts=[summarize_slices(slices), labels.SLICES_CAPTION.format(baseline=baseline)] if slices else [],
        notes=missing_notes(slices),
        figures=[_slice_figure(key, bins, baseline) for key, bins in slices.items() if len(bins) > 1],
        folded_title="Tables of the slices",
        folded=list(tables.slice_tables(slices, baseline)),
    )


def _slice_figure(key: str, bins: Metrics, baseline: str) -> Figure:
    rows = []
    for name, row in bins.items():
        row_label = f"{name} ({row['n_targets']:,})"
        low, high = interval_of(row, "rmse")
        rows.append(IntervalRow(row_label, row["rmse"], low, high, baseline=row["baseline_rmse"]))
    title = slice_label(key)
    chart = charts.draw_intervals(rows, "RMSE (stars)", f"RMSE by slice: {title}", baseline=baseline)
    return to_figure(title, chart)


def summarize_slices(slices: Metrics) -> str:
    """Return a sentence on the bins in which the rater's RMSE is above the baseline's."""
    if not slices:
        return ""
    baseline = tables.baseline_of(slices)
    rows = [
        (slice_key, bin_key, row)
        for slice_key, bins in slices.items()
        for bin_key, row in bins.items()
        if row["n_targets"] >= MIN_BIN_TARGETS
    ]
    if not rows:
        return ""
    significant = [(slice_key, bin_key) for slice_key, bin_key, row in rows if rater_verdict(row) == "worse"]
    higher = [(slice_key, bin_key) for slice_key, bin_key, row in rows if row["rmse"] > row["baseline_rmse"]]
    if significant:
        return f"It is significantly worse than {baseline} on {_join_bins(significant)}."
    if higher:
        return (
            f"In no slice is it significantly worse than {baseline}; its RMSE is higher, but not "
            f"significantly, on {_join_bins(higher)}."
        )
    return f"In every bin of {MIN_BIN_TARGETS} ratings or more its RMSE is at most that of {baseline}."


def _join_bins(bins: list[tuple[str, str]]) -> str:
    by_slice: dict[str, list[str]] = {}
    for slice_key, bin_key in bins:
        by_slice.setdefault(slice_label(slice_key), []).append(bin_key)
    return "; ".join(f"{name[0].lower()}{name[1:]}: {join_words(names)}" for name, names in by_slice.items())


def errors_section(inputs: Inputs) -> Section:
    """Return the distribution of predictions and errors."""
    actual = inputs.predictions["rating"].to_numpy()
    predicted = inputs.predictions["prediction"].to_numpy()
    error = predicted - actual
    within = {step: float((np.abs(error) <= step).mean()) * 100 for step in (0.25, 0.5, 1.0)}
    text = (
        f"The mean error is {signed(float(error.mean()))} stars, its standard deviation "
        f"{fixed(float(error.std()))}. {within[0.25]:.0f} % of the predictions are within a quarter star of "
        f"the rating, {within[0.5]:.0f} % within half a star, {within[1.0]:.0f} % within one star."
    )
    scatter = charts.draw_predicted_vs_actual(actual, predicted, "Predictions against ratings")
    histogram = charts.draw_error_histogram(actual, predicted, "Histogram of the errors")
    figures = [
        to_figure("Predicted against actual", scatter, labels.SCATTER_CAPTION),
        to_figure("Errors", histogram, labels.ERRORS_CAPTION),
    ]
    return Section("errors", "Errors", "Distribution of the errors", texts=[text], figures=figures)


def calibration_section(inputs: Inputs) -> Section:
    """Return the calibration of the predictions and the coverage of their intervals."""
    calibration = inputs.metrics["calibration"]
    probabilities = inputs.metrics["probabilities"]
    figures = []
    if calibration:
        chart = charts.draw_calibration(calibration, "Mean rating by mean prediction")
        figures.append(to_figure("Calibration", chart, labels.CALIBRATION_CAPTION))
    return Section(
        "calibration",
        "Calibration",
        "Calibration",
        texts=_summarize_calibration(calibration, inputs.metrics["models"]["rater"]),
        notes=missing_notes(calibration),
        figures=figures,
        tables=[
            *([tables.calibration_table(calibration)] if calibration else []),
            *([tables.probabilities_table(probabilities)] if probabilities else []),
        ],
        beside=True,
    )


def _summarize_calibration(calibration: Metrics, rater: Metrics) -> list[str]:
    sentences = []
    if calibration:
        error = expected_calibration_error(calibration)
        sentences.append(f"The expected calibration error is {fixed(error)} stars.")
    if "coverage_80" in rater:
        sentences.append(
            f"Central 80 % intervals with randomized ends hold {rater['coverage_80'] * 100:.1f} % of the "
            f"ratings, those of 95 % {rater['coverage_95'] * 100:.1f} %. The smallest sets with a "
            f"probability of 80 % have {fixed(rater['set_size_80'], 1)} half stars and hold "
            f"{rater['set_coverage_80'] * 100:.1f} %. {labels.COVERAGE_NOTE}"
        )
    return sentences
