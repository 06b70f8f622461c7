"""The whole report, from what is read to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from reelgraph.report import movies, results, summary, tables, usage
from reelgraph.report.inputs import Curve, Figures, Study
from reelgraph.report.labels import fixed
from reelgraph.report.map_data import payload
from reelgraph.report.page import Page, Section, html
from reelgraph.schemas.vectors import MapLayout


@dataclass(frozen=True)
class Inputs:
    """Everything that the report is made of."""

    metrics: Mapping[str, Figures]
    """By the name of the file in metrics/; empty where there is none."""
    studies: Mapping[str, Study]
    rater_curves: Mapping[str, Mapping[str, Curve]]
    """loss, rmse, mae → train, val → epoch and value."""
    gnn_curves: Mapping[str, Curve]
    link_curve: Curve
    """Validation MRR of held-out links by epoch."""
    spectra: Mapping[str, Curve]
    predictions: pa.Table
    """rating and prediction of each test target, stars."""
    examples: Figures
    movies: pa.Table
    """movie_id, original_title, release_year, genre_1."""
    placed: MapLayout
    params: Figures
    """params.yaml as it is."""


def build_report(given: Inputs) -> str:
    """Return the page."""
    metrics = given.metrics
    found = tables.models(metrics["rater"], metrics["baselines"], given.studies["external_baselines"].figures)
    said = [*summary.verdict(found), summary.losses(metrics["slices"]), summary.ranking(metrics["ranking"])]
    page = Page(
        _under(metrics["data"], given.params),
        [each for each in said if each],
        _keys(metrics["rater"], metrics["data"]),
        _sections(given, found),
    )
    return html(page, payload(given.movies, given.placed))


def _under(data: Figures, params: Figures) -> str:
    kept = data["filter"]
    return (
        f"{kept['ratings_after']:,} ratings of {kept['movies_after']:,} movies by {kept['users']:,} people "
        f"({params['data']['source']}); rater {params['model']['type']} on {params['model']['embedding']}, "
        f"fitted on {params['evaluate']['fit'].replace('_val', ' and validation')} rows"
    )


def _keys(rater: Figures, data: Figures) -> list[tuple[str, str]]:
    test = rater["test"]
    shown = [
        (fixed(test["rmse"]), "RMSE, stars"),
        (fixed(test["mae"]), "MAE, stars"),
        (f"{test['improvement_pct']:.1f} %", "below the RMSE of the person's mean"),
        (f"{test['n_targets']:,}", "test ratings"),
        (f"{data['kg']['nodes']['movie']:,}", "movies"),
    ]
    if "bayes_rmse" in rater:
        shown.insert(1, (fixed(rater["bayes_rmse"]), "best possible RMSE (generated data)"))
    return shown


def _sections(given: Inputs, found: Mapping[str, Figures]) -> list[Section]:
    metrics, studies = given.metrics, given.studies
    networks = {key.removeprefix("gnn_"): one for key, one in metrics.items() if key.startswith("gnn_")}
    return [
        results.results(found, studies["external_baselines"]),
        results.slices(metrics["slices"]),
        results.errors(given.predictions),
        results.calibration(metrics["calibration"], metrics["rater"].get("interval", {})),
        usage.ranking(metrics["ranking"]),
        usage.controls(metrics["perturbations"]),
        usage.examples(given.examples, given.movies),
        movies.movie_map(len(given.placed.movie_ids), given.params["model"]["embedding"]),
        movies.embeddings(metrics["embeddings"], given.spectra, studies["probe"]),
        movies.links(metrics["links"], given.link_curve),
        usage.ablation(studies["ablation"]),
        usage.learning(given.rater_curves, given.gnn_curves),
        movies.data(metrics["data"], networks, given.params),
    ]
