"""Sections on the rater in use: ranking, perturbation tests, examples, ablation and training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.report import charts, labels, tables
from reelgraph.report.charts import IntervalRow
from reelgraph.report.inputs import Curve, Inputs, Metrics
from reelgraph.report.labels import fixed, join_words, label, signed
from reelgraph.report.page import Example, Figure, Section, to_figure
from reelgraph.report.results import missing_notes, study_notes

EXAMPLE_GROUPS = {
    "worst": "The worst predictions",
    "best": "The best predictions",
    "spread": "Sampled evenly over the users",
}
RANKING_METRICS = ("ndcg_10", "recall_20")
RANKING_VERDICTS = {
    "better": "significantly better",
    "worse": "significantly worse",
    "within chance": "not significantly different",
}
PEER_METRICS = ("val_ndcg_10", *RANKING_METRICS)
UNITS = {"loss": "loss", "rmse": "RMSE (stars)", "mae": "MAE (stars)"}


def ranking_section(inputs: Inputs) -> Section:
    """Return the ranking metrics."""
    ranking = inputs.metrics["ranking"]
    sentence = summarize_ranking(ranking)
    captions = {"watched": labels.RANKING_CAPTION, "liked": labels.LIKED_CAPTION}
    shown = [
        tables.nested_table(_ranking_columns(ranking, part), caption, "order by", label(_reference(ranking)))
        for part, caption in captions.items()
        if ranking
    ]
    peers = inputs.studies["ranking_peers"]
    if peers.metrics:
        shown.append(tables.nested_table(_peer_rows(peers.metrics), labels.RANKING_PEERS_CAPTION, "peer"))
    return Section(
        "ranking",
        "Ranking",
        "Ranking of all movies",
        texts=[sentence] if sentence else [],
        notes=missing_notes(ranking) + study_notes("ranking_peers", peers),
        tables=shown,
    )


def _peer_rows(peers: Metrics) -> dict[str, Metrics]:
    """Return validation NDCG@10, test metrics and differences of each peer, by its name and params."""
    return {
        f"{label(name)} ({setting})": {
            column: value
            for column, value in row.items()
            if column.removesuffix("_low").removesuffix("_high").removesuffix("_diff") in PEER_METRICS
        }
        for name, settings in peers.items()
        for setting, row in settings.items()
    }


def summarize_ranking(ranking: Metrics) -> str:
    """Return sentences that compare the ranker with the other orders, those with equal verdicts together."""
    reference = _reference(ranking)
    if not reference:
        return ""
    ranker = ranking[reference]
    figures = join_words([f"{label(metric)} of {fixed(ranker[metric])}" for metric in RANKING_METRICS])
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, row in ranking.items():
        verdicts = tuple(tables.gain_verdict(row, metric) for metric in RANKING_METRICS)
        if key != reference and any(verdicts):
            groups.setdefault(verdicts, []).append(label(key))
    sentences = [_compare_ranking(verdicts, others) for verdicts, others in groups.items()]
    return " ".join([f"The order of the ranker has {figures}.", *sentences])


def _reference(ranking: Metrics) -> str:
    """Return the order that the others are compared with: the one without differences."""
    return next((key for key, row in ranking.items() if "ndcg_10_diff_low" not in row), "")


def _ranking_columns(ranking: Metrics, part: str) -> dict[str, Metrics]:
    """Return the columns about watched movies, or those about liked movies."""
    return {
        key: {
            column.removeprefix("liked_"): value
            for column, value in row.items()
            if column.startswith("liked_") == (part == "liked") and column != "n_liked_users"
        }
        for key, row in ranking.items()
    }


def _compare_ranking(verdicts: tuple[str, ...], others: list[str]) -> str:
    """Return a sentence on the verdicts, one per metric, that these orders share."""
    metrics_by_verdict: dict[str, list[str]] = {}
    for metric, verdict in zip(RANKING_METRICS, verdicts, strict=True):
        if verdict:
            metrics_by_verdict.setdefault(verdict, []).append(label(metric))
    parts = [
        f"{join_words(metrics)} {'is' if len(metrics) == 1 else 'are'} {RANKING_VERDICTS[verdict]}"
        for verdict, metrics in metrics_by_verdict.items()
    ]
    return f"Against {join_words(others)}, its {', its '.join(parts)}."


def perturbations_section(inputs: Inputs) -> Section:
    """Return the perturbation tests."""
    perturbations = inputs.metrics["perturbations"]
    if not perturbations:
        return Section(
            "perturbations", "Perturbations", "Perturbation tests", notes=missing_notes(perturbations)
        )
    rows = [
        IntervalRow(label(key), row["rmse_increase"], row["rmse_increase_low"], row["rmse_increase_high"])
        for key, row in tables.test_rows(perturbations)
    ]
    chart = charts.draw_intervals(
        rows, "RMSE increase (stars)", "RMSE increase of each perturbation", zero_line=True
    )
    return Section(
        "perturbations",
        "Perturbations",
        "Perturbation tests",
        texts=[labels.PERTURBATIONS_CAPTION],
        figures=[to_figure("RMSE increase", chart, labels.INCREASE_CAPTION)],
        tables=[tables.perturbations_table(perturbations)],
        beside=True,
    )


def examples_section(inputs: Inputs) -> Section:
    """Return the worst, the best and some other predictions."""
    years = _release_years(inputs.movies)
    groups = [
        (title, list(_to_examples(inputs.examples[key], years)))
        for key, title in EXAMPLE_GROUPS.items()
        if inputs.examples.get(key)
    ]
    texts = [labels.EXAMPLES_CAPTION] if groups else []
    return Section("examples", "Examples", "Examples", examples=groups, texts=texts)


def _release_years(movies: pa.Table) -> dict[int, float | None]:
    years = pc.cast(movies["release_year"], pa.float64()).to_pylist()
    return dict(zip(movies["movie_id"].to_pylist(), years, strict=True))


def _to_examples(records: Iterable[Metrics], years: Mapping[int, float | None]) -> Iterable[Example]:
    for record in records:
        year = years.get(record["movie_id"])
        yield Example(
            record["title"],
            f"{year:.0f}" if year else "",
            record["user"],
            fixed(record["actual"], 1),
            fixed(record["predicted"], 2),
            signed(record["predicted"] - record["actual"], 2),
            [(rating["title"], fixed(rating["stars"], 1)) for rating in record["last"]],
            [(_with_entities(reason), signed(reason["stars"], 2)) for reason in record["moved"]],
        )


def _with_entities(reason: Metrics) -> str:
    return f"{reason['title']} ({', '.join(reason['shared'])})" if reason["shared"] else reason["title"]


def ablation_section(inputs: Inputs) -> Section:
    """Return the ablation study."""
    study = inputs.studies["ablation"]
    experiments = dict(sorted(study.metrics.items(), key=lambda item: (item[1]["val_rmse"], item[0])))
    by_model: dict[str, list[IntervalRow]] = {}
    for key, row in experiments.items():
        model, embedding, control = key.split("-", 2)
        row_label = label(embedding if control == "none" else f"{embedding}, {control}")
        value = row["val_rmse"]
        std = row["val_rmse_std"]
        by_model.setdefault(model, []).append(IntervalRow(row_label, value, value - std, value + std))
    table = [tables.nested_table(experiments, "Mean and std over the seeds, in stars", "run")]
    return Section(
        "ablation",
        "Ablation",
        "Ablation study",
        texts=[labels.ABLATION_CAPTION] if by_model else [],
        notes=study_notes("ablation", study),
        figures=[_ablation_figure(model, rows) for model, rows in by_model.items()],
        tables=table if by_model else [],
    )


def _ablation_figure(model: str, rows: Sequence[IntervalRow]) -> Figure:
    return to_figure(model, charts.draw_intervals(rows, "validation RMSE (stars)", f"Ablation of {model}"))


def learning_section(inputs: Inputs) -> Section:
    """Return the learning curves of the rater and the graph networks."""
    figures = [_curve_figure(metric, curves) for metric, curves in inputs.rater_curves.items() if curves]
    losses = {label(variant): curve for variant, curve in inputs.gnn_curves.items() if curve}
    if losses:
        chart = charts.draw_curves(losses, "epoch", "loss", "GNN loss by epoch", log=True)
        figures.append(to_figure("Graph network: loss", chart, labels.GNN_CAPTION))
    return Section("learning", "Training", "Learning curves", figures=figures)


def _curve_figure(metric: str, curves: Mapping[str, Curve]) -> Figure:
    unit = UNITS.get(metric, label(metric))
    chart = charts.draw_curves(curves, "epoch", unit, f"Rater, {unit} by epoch")
    return to_figure(f"Rater: {unit}", chart, labels.LEARNING_CAPTION)
