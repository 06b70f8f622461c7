"""Stage external_baselines: predictions of the external baselines → results.tsv and one table of them.

The table is compared with the rater by each report: a comparison here would outlive its rater.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reelgraph.baselines.registry import predicts_probabilities
from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.core.schemas.reports import write_table
from reelgraph.core.target_rows import write_target_rows
from reelgraph.evaluation.comparison import errors_of_models
from reelgraph.evaluation.io import read_baseline_predictions, target_columns
from reelgraph.evaluation.probabilities import probability_metrics
from reelgraph.params.base import PARAMS_FILE
from reelgraph.runtime.atomic_io import read_array
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings
from studies.external_baselines.blend import blend_predictions
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineTableParams


def main(params: ExternalBaselineTableParams) -> str:
    """Measure the external baselines, and a blend of bayesian_fm and bias_recent."""
    movie_id = read_movie_ids("data/movies.parquet")
    histories = read_histories("data/sequences", len(movie_id))
    names = list(params.external_baselines)
    baselines = read_baseline_predictions("data/external_baselines", names, histories)
    recent = read_baseline_predictions("data/baselines", ["bias_recent"], histories)["bias_recent"]
    actual = star_ratings(histories, histories.val)
    blend, baselines["fm_recent"] = blend_predictions(actual, baselines["bayesian_fm"], recent)
    metrics = errors_of_models(histories, baselines, params.evaluate.fit, params.seed)
    codes = histories.half_star_code[histories.test].astype(np.int64)
    for name in filter(predicts_probabilities, names):
        path = Path(f"data/external_baselines/{name}/{params.evaluate.fit}_probabilities.npy")
        metrics[name] |= probability_metrics(codes, read_array(path))
    write_table(metrics, ["model"], "studies/external_baselines/results.tsv")
    predictions = {
        f"{name}.{fit}": stars for name, baseline in baselines.items() for fit, stars in baseline.test.items()
    }
    write_target_rows(target_columns(histories, movie_id, predictions), 2, "data/external_baselines.tsv")
    return f"{len(metrics)} external baselines; weight of bias_recent in fm_recent {blend.weight:.2f}"


if __name__ == "__main__":
    run_stage("external_baselines", ExternalBaselineTableParams, main, PARAMS_FILE, EXTERNAL_BASELINES_FILE)
