"""Inputs of the report: the metrics, curves and tables that the pipeline and the studies wrote."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from reelgraph.core.schemas.artifacts import Violations
from reelgraph.core.schemas.reports import read_reports
from reelgraph.core.schemas.vectors import MapLayout
from reelgraph.runtime.atomic_io import RERUN_HINT, read_json
from reelgraph.runtime.errors import ArtifactError

Metrics = dict[str, Any]
"""Content of a file of results: nested figures."""
Curve = list[tuple[float, float]]


class StudyTable(NamedTuple):
    """The results.tsv of a study."""

    keys: tuple[str, ...]
    """Its key columns."""
    make_target: str
    """Runs the study."""


STUDIES = {
    "external_baselines": StudyTable(("model",), "external-baselines"),
    "ablation": StudyTable(("experiment",), "study-ablation"),
    "probe": StudyTable(("vectors", "processing"), "study-probe"),
    "ranking_peers": StudyTable(("model", "params"), "ranking-peers"),
}
"""Folders of studies/, and their tables."""

NOT_RUN = "not run yet"
OTHER_DATA = "measured on other test targets than this run's"


@dataclass(frozen=True)
class Study:
    """Metrics of a study, or the reason why there are none."""

    metrics: Metrics
    problem: str
    """``NOT_RUN``, ``OTHER_DATA`` or empty."""
    stale: bool
    """The pipeline has changed since the study ran."""


@dataclass(frozen=True)
class Inputs:
    """Everything that the report shows."""

    metrics: Mapping[str, Metrics]
    """By the name of the file in reports/; empty where there is none."""
    studies: Mapping[str, Study]
    rater_curves: Mapping[str, Mapping[str, Curve]]
    """loss, rmse, mae → train, val → value by epoch."""
    gnn_curves: Mapping[str, Curve]
    """Variant → loss by epoch."""
    link_curve: Curve
    """Validation MRR of held-out links by epoch."""
    spectra: Mapping[str, Curve]
    """Set of embedding vectors → singular value by rank."""
    predictions: pa.Table
    """userId, movieId, rating and prediction of each test target, stars."""
    examples: Metrics
    movies: pa.Table
    """movie_id, original_title, release_year and genre_1."""
    other_titles: list[list[str]]
    """English and alternative titles of each movie, where the source has them."""
    map_layout: MapLayout
    params: Metrics
    """Content of params.yaml."""


def read_metrics(folder: Path | str = "reports") -> dict[str, Metrics]:
    """Read the pipeline's tables and, as ``data``, the counts; a missing file counts as empty."""
    counts = Path(folder) / "data.json"
    return read_reports(folder) | {"data": read_json(counts) if counts.exists() else {}}


def read_studies(path: Path | str, predictions: pa.Table) -> dict[str, Study]:
    """Read the output of ``tools.collect_studies``.

    Args:
        path: studies/results.json.
        predictions: of this run's test targets; studies of others are left out.
    """
    results: Metrics = read_json(path)
    targets = target_fingerprint(predictions)
    return {name: _to_study(results.get(name), targets) for name in STUDIES}


def target_fingerprint(predictions: pa.Table) -> str:
    """Return a hash of the test targets: their users, movies and ratings."""
    columns = [np.ascontiguousarray(predictions[name].to_numpy()) for name in ("userId", "movieId", "rating")]
    return hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def _to_study(result: Metrics | None, targets: str) -> Study:
    if not result:
        return Study({}, NOT_RUN, False)
    if result.get("targets") != targets:
        return Study({}, OTHER_DATA, False)
    return Study(result["figures"], "", bool(result["stale"]))


def read_curve(path: Path | str) -> Curve:
    """Read a table of two columns, such as epoch and loss; a missing file is an empty curve.

    Raises:
        ArtifactError: the columns are not two, or hold anything but finite numbers.
    """
    if not Path(path).exists():
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()[1:]
        points = [(float(x), float(y)) for x, y in (line.split("\t") for line in lines)]
    except ValueError as error:
        raise ArtifactError(str(path), "two columns of numbers", str(error), RERUN_HINT) from None
    violations = Violations(path)
    is_finite = np.isfinite(np.array(points).reshape(-1, 2)).all(axis=1)
    violations.check_rows(~is_finite, "not finite")
    violations.raise_if_any()
    return points


def read_curves(folder: Path | str) -> dict[str, Curve]:
    """Read each NAME.tsv of a folder."""
    return {path.stem: read_curve(path) for path in sorted(Path(folder).glob("*.tsv"))}


def group_by_metric(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, dict[str, Curve]]:
    """Turn train and val → metric → curve into metric → train and val → curve."""
    metrics = sorted({metric for by_metric in curves.values() for metric in by_metric})
    return {
        metric: {rows: by_metric[metric] for rows, by_metric in curves.items() if metric in by_metric}
        for metric in metrics
    }
