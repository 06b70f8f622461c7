"""Builds the report: the list of its sections, the summary and the key numbers."""

from __future__ import annotations

from collections.abc import Callable

from reelgraph.report import cold_movies, movies, results, tables, usage
from reelgraph.report.inputs import Inputs, Metrics
from reelgraph.report.labels import fixed
from reelgraph.report.page import Page, Section, render_page

SECTIONS: tuple[Callable[[Inputs], Section], ...] = (
    results.results_section,
    results.slices_section,
    cold_movies.cold_movies_section,
    results.errors_section,
    results.calibration_section,
    usage.ranking_section,
    usage.perturbations_section,
    usage.examples_section,
    movies.map_section,
    movies.embeddings_section,
    movies.links_section,
    usage.ablation_section,
    usage.learning_section,
    movies.data_section,
)
"""Sections of the page in their order; a new section is one more function here."""


def build_report(inputs: Inputs) -> str:
    """Return the report as one HTML file."""
    page = Page(
        _describe_run(inputs),
        summarize(inputs),
        _key_numbers(inputs.metrics["models"]["rater"], inputs.metrics["data"]),
        [section(inputs) for section in SECTIONS],
    )
    return render_page(page, movies.map_json(inputs.movies, inputs.map_layout, inputs.other_titles))


def summarize(inputs: Inputs) -> list[str]:
    """Return the sentences that summarize the report."""
    metrics = inputs.metrics
    sentences = [
        *results.summarize_models(tables.all_models(inputs)),
        results.summarize_slices(metrics["slices"]),
        usage.summarize_ranking(metrics["ranking"]),
    ]
    return [sentence for sentence in sentences if sentence]


def _describe_run(inputs: Inputs) -> str:
    counts = inputs.metrics["data"]["filter"]
    params = inputs.params
    rows = params["evaluate"]["fit"].replace("_val", " and validation")
    return (
        f"{counts['ratings_after']:,} ratings of {counts['movies_after']:,} movies "
        f"by {counts['users']:,} users ({params['data']['source']}); "
        f"rater {params['model']['type']} on {params['model']['embedding']}, fitted on {rows} rows"
    )


def _key_numbers(rater: Metrics, data: Metrics) -> list[tuple[str, str]]:
    improvement = rater["improvement_pct"]
    numbers = [
        (fixed(rater["rmse"]), "RMSE, stars"),
        (fixed(rater["mae"]), "MAE, stars"),
        (
            f"{abs(improvement):.1f} %",
            f"{'below' if improvement >= 0 else 'above'} the RMSE of the user mean",
        ),
        (f"{rater['n_targets']:,}", "test ratings"),
        (f"{data['kg']['nodes']['movie']:,}", "movies"),
    ]
    if "bayes_rmse" in rater:
        numbers.insert(1, (fixed(rater["bayes_rmse"]), "lowest possible RMSE (generated data)"))
    return numbers
