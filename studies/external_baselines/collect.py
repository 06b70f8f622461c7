"""Stage external_baselines: predictions of the external baselines → results.tsv.

Also slices.tsv: the rater against the best of them, by slice.
"""

from __future__ import annotations

import pyarrow.compute as pc

from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.reports import write_table
from reelgraph.core.seeds import derive_seed
from reelgraph.evaluation.comparison import compare_with_rater
from reelgraph.evaluation.io import read_baseline_predictions, read_test_predictions
from reelgraph.evaluation.slices import compare_with_best_baseline
from reelgraph.params.base import PARAMS_FILE
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings
from studies.external_baselines.blend import blend_predictions
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineTableParams


def main(params: ExternalBaselineTableParams) -> str:
    """Compare the rater with the external baselines, and with a blend of bayesian_fm and bias_recent."""
    released = read_movies("data/movies.parquet", ("release_year",))["release_year"]
    year = pc.cast(released, "float64").to_numpy()
    histories = read_histories("data/sequences", len(released))
    names = list(params.external_baselines)
    baselines = read_baseline_predictions("data/external_baselines", names, histories)
    recent = read_baseline_predictions("data/baselines", ["bias_recent"], histories)["bias_recent"]
    actual = star_ratings(histories, histories.val)
    blend, baselines["fm_recent"] = blend_predictions(actual, baselines["bayesian_fm"], recent)
    rater = read_test_predictions("data/predictions.parquet", histories)
    fit = params.evaluate.fit
    metrics = compare_with_rater(histories, rater, baselines, fit, params.seed)
    seed = derive_seed(params.seed, "bootstrap")
    slices = compare_with_best_baseline(histories, fit, year, rater, baselines, seed)
    write_table(metrics, ["model"], "studies/external_baselines/results.tsv")
    write_table(slices, ["slice", "bin"], "studies/external_baselines/slices.tsv")
    return f"{len(metrics)} external baselines; weight of bias_recent in fm_recent {blend.weight:.2f}"


if __name__ == "__main__":
    run_stage("external_baselines", ExternalBaselineTableParams, main, PARAMS_FILE, EXTERNAL_BASELINES_FILE)
