"""The final model: weights, configuration and test results with a model card.

The card follows Mitchell et al. 2019, "Model Cards for Model Reporting", and has the metadata that the
Hugging Face Hub reads.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from reelgraph.core.schemas.reports import format_figures, round_figures, write_metrics
from reelgraph.evaluation.comparison import Evaluation
from reelgraph.params.data import Data
from reelgraph.params.model import RaterConfig
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.atomic_io import atomic_write, write_text
from reelgraph.sequences.dataset import Fit, UserHistories

MODEL_NAME = "reelgraph rater"

LIMITATIONS = """\
- The model predicts the rating of a movie that a user has chosen to watch. It was not trained on movies that
  users avoid, so a list that is sorted by prediction is not an evaluated recommendation.
- The metrics hold for users like those in the data: volunteers who rated many movies. Errors may be larger
  for other users, above all for users with few ratings and for movies with few ratings.
- Ratings reveal personal traits of a user. A rating history is personal data.
"""


def model_card(
    histories: UserHistories, fit: Fit, config: RaterConfig, evaluation: Evaluation, data: Data
) -> str:
    """Return the model card: Markdown with YAML metadata.

    Args:
        histories: ratings and targets.
        fit: the rows that the model was fitted on.
        config: the rater's configuration.
        evaluation: metrics of the rater and the baselines.
        data: section ``data``: the source, and whether its times are known.
    """
    model = config.model
    description = find_rater(model.type).description
    sections = {
        "Model": f"`{model.type}`: {description}. Movie embeddings: `{model.embedding}`.",
        "Training data": _describe_data(histories, fit, data),
        "Evaluation": _describe_errors(evaluation),
        "Limitations": LIMITATIONS,
    }
    text = "\n".join(f"## {title}\n\n{section.strip()}\n" for title, section in sections.items())
    metadata = _metadata(evaluation, data.source)
    return str(ModelCard(f"---\n{metadata.to_yaml()}\n---\n\n# Model card\n\n{text}"))


def _metadata(evaluation: Evaluation, source: str) -> ModelCardData:
    """Return the metadata with RMSE and MAE on the test targets."""
    results = [
        EvalResult(
            task_type="tabular-regression",
            task_name="rating prediction",
            dataset_type=source,
            dataset_name=source,
            metric_type=metric,
            metric_name=metric.upper(),
            metric_value=round_figures(evaluation.models["rater"])[metric],
        )
        for metric in ("rmse", "mae")
    ]
    return ModelCardData(
        library_name="reelgraph",
        tags=["recommender-system", "rating-prediction"],
        model_name=MODEL_NAME,
        eval_results=results,
    )


def _describe_data(histories: UserHistories, fit: Fit, data: Data) -> str:
    is_fitted = histories.mask_before(histories.fit_end(fit))
    dates = ""
    if data.source != "tables" or data.order == "timestamp":  # otherwise the numbers of the file's rows
        timestamp = histories.timestamp[is_fitted]
        first, last = (datetime.fromtimestamp(int(time), UTC) for time in (timestamp.min(), timestamp.max()))
        dates = f", {first.date()} to {last.date()}"
    rows = "training rows" if fit == "train" else "training and validation rows"
    n_movies = len(np.unique(histories.movie_row[is_fitted]))
    return (
        f"{int(is_fitted.sum()):,} ratings ({rows} of source `{data.source}`) of {n_movies:,} movies by "
        f"{len(histories.user_id):,} users{dates}."
    )


def _describe_errors(evaluation: Evaluation) -> str:
    models: dict[str, Any] = round_figures(evaluation.models)
    rater = models["rater"]
    rmse, low, high = format_figures([rater["rmse"], rater["rmse_low"], rater["rmse_high"]])
    lines = [
        f"On {evaluation.rater['n_targets']:,} test targets: RMSE {rmse} stars "
        f"(95 % interval {low} to {high}), MAE {rater['mae']}.",
        *_describe_coverage(evaluation.rater),
        "\n| model | RMSE | MAE |\n| --- | --- | --- |",
    ]
    names = sorted(models, key=lambda name: (models[name]["rmse"], name))
    columns = [format_figures([models[name][error] for name in names]) for error in ("rmse", "mae")]
    rows = [f"| {' | '.join(cells)} |" for cells in zip(names, *columns, strict=True)]
    return "\n".join(lines + rows)


def _describe_coverage(rater: Mapping[str, float | int]) -> list[str]:
    if "coverage_80" not in rater:
        return []
    return [
        f"Central 80 % intervals with randomized ends hold {rater['coverage_80']:.1%} of the ratings, "
        f"those of 95 % {rater['coverage_95']:.1%}."
    ]


def write_model(rater_folder: str, fit: Fit, results: Mapping[str, object], card: str, folder: str) -> None:
    """Write the final model: weights, configuration, training history, test results and model card."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        shutil.copyfile(Path(rater_folder) / f"{fit}.safetensors", draft / "model.safetensors")
        for name in ("config.json", "history.json"):
            shutil.copyfile(Path(rater_folder) / name, draft / name)
        write_metrics(results, draft / "test_results.json")
        write_text(card, draft / "README.md")
