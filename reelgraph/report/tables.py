"""The report's tables: rows of text, and which of them to stress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reelgraph.report.inputs import Figures
from reelgraph.report.labels import bin_name, fixed, name, signed, slice_name, span


@dataclass(frozen=True)
class Table:
    """A table of text."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: str = ""
    """First cell of the row to stress."""


def against(row: Figures) -> str:
    """Say whether the rater is better than a model, from the paired interval of rater minus model."""
    if "rmse_diff_ci_low" not in row:
        return ""
    if row["rmse_diff_ci_high"] < 0:
        return "better"
    return "worse" if row["rmse_diff_ci_low"] > 0 else "within chance"


def interval(row: Figures, key: str) -> tuple[float, float]:
    """Return a figure's interval; where it has none, the figure twice."""
    low, high = row.get(f"{key}_ci_low"), row.get(f"{key}_ci_high")
    return (row[key], row[key]) if low is None or high is None else (low, high)


def models(rater: Figures, baselines: Figures, peers: Figures) -> dict[str, Figures]:
    """Return all models, the lowest RMSE first."""
    found = {"rater": rater["test"], **baselines, **peers}
    return dict(sorted(found.items(), key=lambda item: (item[1]["rmse"], item[0])))


def results(found: Mapping[str, Figures]) -> Table:
    """Return the result table."""
    header = ("model", "RMSE", "95 % interval", "MAE", "95 % interval", "rater − model, RMSE", "the rater is")
    rows = [
        (
            name(key),
            fixed(row["rmse"]),
            span(row.get("rmse_ci_low"), row.get("rmse_ci_high")),
            fixed(row["mae"]),
            span(row.get("mae_ci_low"), row.get("mae_ci_high")),
            span(row.get("rmse_diff_ci_low"), row.get("rmse_diff_ci_high"), sign=True),
            against(row) or "–",
        )
        for key, row in found.items()
    ]
    return Table("Errors on the test ratings, in stars: less is better", header, rows, name("rater"))


def fits(found: Mapping[str, Figures]) -> Table:
    """Return the errors of both fits."""
    header = (
        "model",
        "RMSE, fitted on training",
        "… and validation",
        "MAE, fitted on training",
        "… and validation",
    )
    rows = [
        (
            name(key),
            *(
                fixed(row.get(fit, {}).get(kind))
                for kind in ("rmse", "mae")
                for fit in ("train", "train_val")
            ),
        )
        for key, row in found.items()
    ]
    return Table("Both fits, in stars", header, rows, name("rater"))


def peer_of(slices: Figures) -> str:
    """Return the name of the model that every bin is held against."""
    return next(
        (name(row["baseline"]) for bins in slices.values() for row in bins.values()), "strongest peer"
    )


def slices(figures: Figures, peer: str) -> Iterator[Table]:
    """Yield a table a slice."""
    header = ("", "ratings", "RMSE", "95 % interval", "MAE", peer, f"rater − {peer}", "the rater is")
    for key, bins in figures.items():
        rows = [
            (
                bin_name(each),
                f"{row['n_targets']:,}",
                fixed(row["rmse"]),
                span(row["rmse_ci_low"], row["rmse_ci_high"]),
                fixed(row["mae"]),
                fixed(row["baseline_rmse"]),
                span(row["rmse_diff_ci_low"], row["rmse_diff_ci_high"], sign=True),
                against(row),
            )
            for each, row in sorted_bins(bins)
        ]
        yield Table(slice_name(key), header, rows)


def sorted_bins(bins: Figures) -> list[tuple[str, Figures]]:
    """Return bins from the lowest to the highest, words first."""
    return sorted(bins.items(), key=lambda item: _order(item[0]))


def _order(key: str) -> tuple[float, str]:
    first = bin_name(key).split()
    lowest = -1.0 if first[0] == "under" else next((float(w) for w in first if w[0].isdigit()), -2.0)
    return lowest, key


def nested(figures: Figures, caption: str, corner: str, strong: str = "") -> Table:
    """Return row → column → number as a table; ``x_ci_low`` and ``x_ci_high`` are shown beside ``x``."""
    keys = [key.removesuffix("_ci_low").removesuffix("_ci_high") for row in figures.values() for key in row]
    columns = list(dict.fromkeys(keys))
    rows = [(name(key), *(_cell(row, column) for column in columns)) for key, row in figures.items()]
    return Table(caption, (corner, *(name(column).strip() for column in columns)), rows, strong)


def _cell(row: Figures, column: str) -> str:
    value, low, high = (row.get(key) for key in (column, f"{column}_ci_low", f"{column}_ci_high"))
    shown = f"{value:,}" if isinstance(value, int) else fixed(value, 1 if value and abs(value) >= 20 else 3)
    if low is None:
        return shown
    return span(low, high, sign=True) if value is None else f"{shown} ({span(low, high)})"


def controls(figures: Figures) -> Table:
    """Return what each control costs."""
    rows = [
        (
            name(key),
            fixed(row["rmse"]),
            signed(row["rmse_increase"]),
            span(row["rmse_increase_ci_low"], row["rmse_increase_ci_high"], sign=True),
        )
        for key, row in figures.items()
    ]
    return Table(
        "What hiding something costs, RMSE in stars",
        ("hidden", "RMSE", "rmse_increase", "95 % interval"),
        rows,
    )


def calibration(figures: Figures) -> Table:
    """Return predicted against actual means by bin."""
    rows = [
        (
            f"{row['n_targets']:,}",
            fixed(row["predicted"]),
            fixed(row["actual"]),
            span(row.get("actual_ci_low"), row.get("actual_ci_high")),
            signed(row["predicted"] - row["actual"]),
        )
        for key, row in sorted(figures.items())
        if key.startswith("bin_")
    ]
    header = ("ratings", "mean prediction", "mean given", "95 % interval", "too high by")
    return Table("Calibration by bin of the prediction, in stars", header, rows)


def links(figures: Figures, measure: str, caption: str) -> Table:
    """Return one measure of link prediction, a row a relation, a column a model."""
    relations = list(dict.fromkeys(key for model in figures.values() for key in model))
    rows = [
        (name(relation), *(fixed(model.get(relation, {}).get(measure)) for model in figures.values()))
        for relation in relations
    ]
    return Table(caption, ("relation", *map(name, figures)), rows)


def embeddings(figures: Figures) -> Iterator[Table]:
    """Yield a table a treatment: a row a statistic, a column a set of vectors."""
    treatments = dict.fromkeys(key for one in figures.values() for key in one)
    for treatment in sorted(treatments, key=lambda key: (key != "raw", key)):
        sets = {key: one[treatment] for key, one in figures.items() if treatment in one}
        statistics = dict.fromkeys(key for one in sets.values() for key in one)
        turned = {key: {each: one[key] for each, one in sets.items() if key in one} for key in statistics}
        yield nested(turned, f"Vectors {name(treatment)}", "statistic")


def flat(figures: Figures, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield each scalar with its key path, as text."""
    for key, value in figures.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", "−")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)
