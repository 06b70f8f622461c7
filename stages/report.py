"""Stage report: render all metrics and plots as data/report/index.html."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML

from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.records import Examples, read_predictions, read_record
from reelgraph.core.schemas.vectors import read_map_layout
from reelgraph.params.base import PARAMS_FILE, StageParams
from reelgraph.report import inputs
from reelgraph.report.build import build_report
from reelgraph.report.external_baselines import EXTERNAL_PREDICTIONS, compare_with_rater
from reelgraph.report.movies import read_other_titles
from reelgraph.runtime.atomic_io import write_text
from reelgraph.runtime.stage_runner import run_stage

CURVES = "plots/rater"
PAGE = "data/report/index.html"


def main(params: StageParams) -> str:
    """Read the outputs of the other stages and render the page."""
    params_file = YAML(typ="safe").load(Path(PARAMS_FILE))
    predictions = read_predictions("data/predictions.parquet")
    studies = inputs.read_studies("studies/results.json", predictions)
    studies["external_baselines"] = compare_with_rater(
        studies["external_baselines"], EXTERNAL_PREDICTIONS, predictions, params_file
    )
    movies = read_movies("data/movies.parquet", ("movie_id", "original_title", "release_year", "genre_1"))
    data = params_file["data"]
    movielens = data["movielens"] if data["source"] == "movielens" else ""
    curves = {rows: inputs.read_curves(f"{CURVES}/{rows}") for rows in ("train", "val")}
    page = build_report(
        inputs.Inputs(
            metrics=inputs.read_metrics(),
            studies=studies,
            rater_curves=inputs.group_by_metric(curves),
            gnn_curves={
                name: inputs.read_curve(f"plots/gnn_{name}.tsv") for name in ("kg_gnn_bert", "kg_gnn")
            },
            link_curve=inputs.read_curve("plots/links.tsv"),
            spectra=inputs.read_curves("plots/embeddings"),
            predictions=predictions,
            examples=read_record("data/examples.json", Examples).model_dump(),
            movies=movies,
            other_titles=read_other_titles(movielens, movies),
            map_layout=read_map_layout("data/map.parquet"),
            params=params_file,
        )
    )
    write_text(page, PAGE)
    return f"{PAGE}, {len(page.encode()) / 1e6:.1f} MB"


if __name__ == "__main__":
    run_stage("report", StageParams, main)
