"""What the report says of the rater in use: ranking, controls, examples, ablation, learning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.report import captions, charts, summary, tables
from reelgraph.report.charts import Row
from reelgraph.report.inputs import Curve, Figures, Study
from reelgraph.report.labels import fixed, name, signed
from reelgraph.report.page import Example, Figure, Section, figure
from reelgraph.report.results import missing, unmeasured

GROUPS = {
    "worst": "The worst predictions",
    "best": "The best predictions",
    "spread": "Drawn evenly over people",
}
UNITS = {"loss": "loss", "rmse": "RMSE (stars)", "mae": "MAE (stars)"}


def ranking(figures: Figures) -> Section:
    """Return what recommendations are worth."""
    text = summary.ranking(figures)
    return Section(
        "ranking",
        "Ranking",
        "As a recommender",
        texts=[text] if text else [],
        notes=unmeasured(figures),
        tables=[tables.nested(figures, captions.RANKING, "order by", name("rater"))] if figures else [],
    )


def controls(figures: Figures) -> Section:
    """Return what the predictions rest on."""
    title, heading = "Controls", "What it rests on"
    if not figures:
        return Section("perturbations", title, heading, notes=unmeasured(figures))
    rows = [
        Row(name(key), row["rmse_increase"], row["rmse_increase_ci_low"], row["rmse_increase_ci_high"])
        for key, row in figures.items()
    ]
    drawn = charts.intervals(rows, "RMSE minus the rater's (stars)", "Cost of each control", zero=True)
    return Section(
        "perturbations",
        title,
        heading,
        texts=[captions.CONTROLS],
        figures=[figure("Cost of hiding", drawn, captions.COST)],
        tables=[tables.controls(figures)],
        beside=True,
    )


def examples(found: Mapping[str, Sequence[Figures]], movies: pa.Table) -> Section:
    """Return the worst, the best and some predictions between."""
    released = pc.cast(movies["release_year"], pa.float64()).to_pylist()
    years = dict(zip(movies["movie_id"].to_pylist(), released, strict=True))
    shown = [(heading, list(_cards(found[key], years))) for key, heading in GROUPS.items() if found.get(key)]
    text = [captions.EXAMPLES] if shown else []
    return Section("examples", "Examples", "Examples", examples=shown, texts=text)


def _cards(found: Iterable[Figures], years: Mapping[int, float | None]) -> Iterable[Example]:
    for one in found:
        year = years.get(one["movie_id"])
        yield Example(
            one["title"],
            f"{year:.0f}" if year else "",
            str(one["user"]),
            fixed(one["actual"], 1),
            fixed(one["predicted"], 2),
            signed(one["predicted"] - one["actual"], 2),
            [(each["title"], fixed(each["stars"], 1)) for each in one["last"]],
            [(_with_shared(each), signed(each["stars"], 2)) for each in one["moved"]],
        )


def _with_shared(reason: Figures) -> str:
    return f"{reason['title']} ({', '.join(reason['shared'])})" if reason["shared"] else reason["title"]


def ablation(study: Study) -> Section:
    """Return what is left without a part."""
    figures = dict(sorted(study.figures.items(), key=lambda item: (item[1]["val_rmse"], item[0])))
    groups: dict[str, list[Row]] = {}
    for key, row in figures.items():
        architecture, embedding, control = key.split("-", 2)
        label = name(embedding if control == "none" else f"{embedding}, {control}")
        value, spread = row["val_rmse"], row["val_rmse_std"]
        groups.setdefault(architecture, []).append(Row(label, value, value - spread, value + spread))
    return Section(
        "ablation",
        "Ablation",
        "What helps, what does not",
        texts=[captions.ABLATION] if groups else [],
        notes=missing("ablation", study),
        figures=[_architecture(key, rows) for key, rows in groups.items()],
        tables=[tables.nested(figures, "Mean and spread over seeds, in stars", "run")] if groups else [],
    )


def _architecture(key: str, rows: Sequence[Row]) -> Figure:
    return figure(key, charts.intervals(rows, "validation RMSE (stars)", f"Ablation of {key}"))


def learning(rater: Mapping[str, Mapping[str, Curve]], gnn: Mapping[str, Curve]) -> Section:
    """Return the learning curves.

    Args:
        rater: loss, rmse and mae → train and val → curve.
        gnn: variant → loss.
    """
    drawn = [_measure(key, each) for key, each in rater.items() if each]
    losses = {name(key): curve for key, curve in gnn.items() if curve}
    if losses:
        picture = charts.curves(losses, "epoch", "loss", "GNN loss by epoch", log=True)
        drawn.append(figure("Graph network: loss", picture, captions.GNN))
    return Section("learning", "Learning", "How it learned", figures=drawn)


def _measure(key: str, curves: Mapping[str, Curve]) -> Figure:
    unit = UNITS.get(key, name(key))
    picture = charts.curves(curves, "epoch", unit, f"Rater, {unit} by epoch")
    return figure(f"Rater: {unit}", picture, captions.LEARNING)
