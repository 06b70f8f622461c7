"""External baselines against the rater at hand.

The study that fits them keeps their predictions of the test targets in git. Each report compares them with
the rater that it is about, so that no comparison outlives a rater.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from reelgraph.core.target_rows import draw_rows, parse_target_rows
from reelgraph.evaluation.comparison import Row, errors, errors_with_intervals
from reelgraph.evaluation.intervals import Clusters
from reelgraph.report.inputs import OTHER_DATA, Metrics, Study
from reelgraph.runtime.atomic_io import RERUN_HINT
from reelgraph.runtime.errors import ArtifactError
from reelgraph.sequences.movie_splits import MOVIE_SPLITS

EXTERNAL_PREDICTIONS = "studies/external_baselines.tsv"
KEYS = {"user": int, "movie": int, "actual": float}


def compare_with_rater(study: Study, path: Path | str, predictions: pa.Table, params: Metrics) -> Study:
    """Replace the study's metrics by a comparison with the rater, in the form of reports/models.tsv.

    Args:
        study: the study as its results tell; one with a problem is returned as it is.
        path: predictions of the external baselines: user, movie, actual, and a column ``NAME.FIT`` a fit.
        predictions: userId, movieId, rating and prediction of each test target of the rater.
        params: content of params.yaml.

    Raises:
        ArtifactError: the file is not a table of predictions.
    """
    if study.problem:
        return study
    try:
        text = Path(path).read_text(encoding="utf-8")
        columns = text.partition("\n")[0].split("\t")
        rows = parse_target_rows(text, KEYS | dict.fromkeys(columns[len(KEYS) :], float))
    except (OSError, ValueError) as error:
        raise ArtifactError(str(path), "predictions of test targets", str(error), RERUN_HINT) from None
    rater = _drawn_predictions(predictions)
    if not all(np.array_equal(rows[name], rater[name]) for name in KEYS):
        return replace(study, metrics={}, problem=OTHER_DATA)
    return replace(study, metrics=_compare(rows, rater, params))


def _drawn_predictions(predictions: pa.Table) -> dict[str, np.ndarray]:
    """Return the rows of the rater that ``write_target_rows`` keeps of the same targets."""
    names = ("userId", "movieId", "rating", "prediction")
    user, movie, actual, predicted = (predictions[name].to_numpy() for name in names)
    rows = draw_rows([user, movie])
    return {"user": user[rows], "movie": movie[rows], "actual": actual[rows], "rater": predicted[rows]}


def _compare(rows: dict[str, np.ndarray], rater: dict[str, np.ndarray], params: Metrics) -> dict[str, Row]:
    fit = params["evaluate"]["fit"]
    names = [column.removesuffix(f".{fit}") for column in rows if column.endswith(f".{fit}")]
    models = {"rater": rater["rater"]} | {name: rows[f"{name}.{fit}"] for name in names}
    movie = rows["movie"] if params["sequences"]["split"] in MOVIE_SPLITS else None
    clusters = Clusters(rows["user"], movie)
    compared = errors_with_intervals(clusters, rows["actual"], models, params["seed"])
    for column, predicted in list(rows.items())[len(KEYS) :]:
        name, _, rows_fitted = column.rpartition(".")
        by_fit = errors(rows["actual"], predicted)
        compared[name] |= {f"{rows_fitted}_{metric}": value for metric, value in by_fit.items()}
    return {name: compared[name] for name in names}
