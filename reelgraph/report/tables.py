"""The report's tables: rows of text, and the row to emphasize."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reelgraph.report.inputs import Inputs, Metrics
from reelgraph.report.labels import fixed, label, signed, slice_label, span


@dataclass(frozen=True)
class Table:
    """A table of text."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: str = ""
    """First cell of the row to emphasize."""


def interval_verdict(low: float, high: float) -> str:
    """Return ``better`` for an interval below 0, ``worse`` for one above 0, else within chance."""
    if high < 0:
        return "better"
    return "worse" if low > 0 else "within chance"


def rater_verdict(row: Metrics) -> str:
    """Say whether the rater is better than a model, by the paired interval of rater minus model."""
    if "rmse_diff_low" not in row:
        return ""
    return interval_verdict(row["rmse_diff_low"], row["rmse_diff_high"])


def gain_verdict(row: Metrics, metric: str) -> str:
    """Say whether the rater is better by a metric of which more is better; nothing without an interval."""
    low = row.get(f"{metric}_diff_low")
    high = row.get(f"{metric}_diff_high")
    return "" if low is None or high is None else interval_verdict(-high, -low)


def interval_of(row: Metrics, key: str) -> tuple[float, float]:
    """Return the interval of a metric; the metric twice where it has none."""
    low = row.get(f"{key}_low")
    high = row.get(f"{key}_high")
    return (row[key], row[key]) if low is None or high is None else (low, high)


def all_models(inputs: Inputs) -> dict[str, Metrics]:
    """Return the rater, the baselines and the external baselines, the lowest RMSE first."""
    external = inputs.studies["external_baselines"].metrics
    models = {**inputs.metrics["models"], **external}
    return dict(sorted(models.items(), key=lambda item: (item[1]["rmse"], item[0])))


def results_table(models: Mapping[str, Metrics]) -> Table:
    """Return the errors of all models."""
    header = ("model", "RMSE", "95 % interval", "MAE", "95 % interval", "rater − model, RMSE", "the rater is")
    rows = [
        (
            label(key),
            fixed(row["rmse"]),
            span(row.get("rmse_low"), row.get("rmse_high")),
            fixed(row["mae"]),
            span(row.get("mae_low"), row.get("mae_high")),
            span(row.get("rmse_diff_low"), row.get("rmse_diff_high"), sign=True),
            rater_verdict(row) or "–",
        )
        for key, row in models.items()
    ]
    return Table("Errors on the test ratings, in stars; lower is better", header, rows, label("rater"))


def fits_table(models: Mapping[str, Metrics]) -> Table:
    """Return the errors by fit."""
    header = (
        "model",
        "RMSE, fitted on training",
        "… and validation",
        "MAE, fitted on training",
        "… and validation",
    )
    rows = [
        (
            label(key),
            *(
                fixed(row.get(f"{fit}_{metric}"))
                for metric in ("rmse", "mae")
                for fit in ("train", "train_val")
            ),
        )
        for key, row in models.items()
    ]
    return Table("Errors by fit, in stars", header, rows, label("rater"))


def baseline_of(slices: Metrics) -> str:
    """Return the label of the baseline that all bins are compared with."""
    rows = (row for bins in slices.values() for row in bins.values())
    return next((label(row["baseline"]) for row in rows), "best baseline")


def slice_tables(slices: Metrics, baseline: str) -> Iterator[Table]:
    """Yield a table a slice."""
    header = ("", "ratings", "RMSE", "95 % interval", "MAE", baseline, f"rater − {baseline}", "the rater is")
    for key, bins in slices.items():
        rows = [
            (
                name,
                f"{row['n_targets']:,}",
                fixed(row["rmse"]),
                span(row.get("rmse_low"), row.get("rmse_high")),
                fixed(row["mae"]),
                fixed(row["baseline_rmse"]),
                span(row.get("rmse_diff_low"), row.get("rmse_diff_high"), sign=True),
                rater_verdict(row) or "–",
            )
            for name, row in bins.items()
        ]
        yield Table(slice_label(key), header, rows)


def nested_table(metrics: Metrics, caption: str, corner: str, strong: str = "") -> Table:
    """Return row → column → number as a table; ``x_low`` and ``x_high`` are shown beside ``x``."""
    keys = [key.removesuffix("_low").removesuffix("_high") for row in metrics.values() for key in row]
    columns = list(dict.fromkeys(keys))
    rows = [(label(key), *(_format_cell(row, column) for column in columns)) for key, row in metrics.items()]
    return Table(caption, (corner, *(label(column).strip() for column in columns)), rows, strong)


def _format_cell(row: Metrics, column: str) -> str:
    value = row.get(column)
    low = row.get(f"{column}_low")
    high = row.get(f"{column}_high")
    text = f"{value:,}" if isinstance(value, int) else fixed(value, 1 if value and abs(value) >= 20 else 3)
    if low is None:
        return text
    return span(low, high, sign=True) if value is None else f"{text} ({span(low, high)})"


def test_rows(perturbations: Metrics) -> list[tuple[str, Metrics]]:
    """Return each perturbation and its row on the test targets."""
    return [(key, row["test"]) for key, row in perturbations.items()]


def perturbations_table(perturbations: Metrics) -> Table:
    """Return the RMSE increase of each perturbation."""
    rows = [
        (
            label(key),
            fixed(row["rmse"]),
            signed(row["rmse_increase"]),
            span(row["rmse_increase_low"], row["rmse_increase_high"], sign=True),
        )
        for key, row in test_rows(perturbations)
    ]
    header = ("perturbation", "RMSE", "increase", "95 % interval")
    return Table("RMSE increase of each perturbation, in stars", header, rows)


def calibration_table(calibration: Metrics) -> Table:
    """Return mean prediction and mean rating by bin."""
    rows = [
        (
            f"{row['n_targets']:,}",
            fixed(row["predicted"]),
            fixed(row["actual"]),
            span(row.get("actual_low"), row.get("actual_high")),
            signed(row["predicted"] - row["actual"]),
        )
        for row in calibration.values()
    ]
    header = ("ratings", "mean prediction", "mean rating", "95 % interval", "difference")
    return Table("Calibration by bin of the prediction, in stars", header, rows)


def probabilities_table(probabilities: Metrics) -> Table:
    """Return scores and coverage of each model's probabilities on all test ratings."""
    rows = []
    for key, by_slice in probabilities.items():
        row = by_slice["all"]["all"]
        cells = (
            label(key),
            fixed(row["crps"]),
            span(row.get("crps_diff_low"), row.get("crps_diff_high"), sign=True),
            fixed(row["log_likelihood"]),
            span(row.get("log_likelihood_diff_low"), row.get("log_likelihood_diff_high"), sign=True),
            f"{row['coverage_80'] * 100:.1f} %",
            f"{row['coverage_95'] * 100:.1f} %",
        )
        rows.append(cells)
    header = (
        "model",
        "CRPS, stars",
        "rater − model",
        "log likelihood",
        "rater − model",
        "in 80 %",
        "in 95 %",
    )
    return Table(
        "Predicted probabilities: scores, and ratings in central intervals", header, rows, label("rater")
    )


def links_table(links: Metrics, metric: str, caption: str) -> Table:
    """Return one link prediction metric: a row a relation, a column a model."""
    relations = list(dict.fromkeys(relation for model in links.values() for relation in model))
    rows = [
        (label(relation), *(fixed(model.get(relation, {}).get(metric)) for model in links.values()))
        for relation in relations
    ]
    return Table(caption, ("relation", *map(label, links)), rows)


def embedding_tables(embeddings: Metrics) -> Iterator[Table]:
    """Yield a table a postprocessing: a row a statistic, a column a set of vectors."""
    postprocessings = dict.fromkeys(key for by_processing in embeddings.values() for key in by_processing)
    for processing in sorted(postprocessings, key=lambda key: (key != "raw", key)):
        sets = {
            name: by_processing[processing]
            for name, by_processing in embeddings.items()
            if processing in by_processing
        }
        statistics = dict.fromkeys(key for row in sets.values() for key in row)
        transposed = {
            statistic: {name: row[statistic] for name, row in sets.items() if statistic in row}
            for statistic in statistics
        }
        yield nested_table(transposed, f"Vectors {label(processing)}", "statistic")


def flatten(metrics: Metrics, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each scalar with its key path, as text."""
    for key, value in metrics.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _format_scalar(value)


def _format_scalar(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", "−")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
