"""What the report is made of: figures that are there, and which study is still to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelgraph.runtime.atomic_io import RERUN_HINT, read_json
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.artifacts import Violations

Figures = dict[str, Any]
Curve = list[tuple[float, float]]

METRICS = (
    "rater", "baselines", "slices", "ranking", "calibration", "perturbations", "links", "embeddings",
    "gnn_kg_gnn_bert", "gnn_kg_gnn", "data",
)  # fmt: skip
"""Files of metrics/ that the pipeline makes."""

STUDIES = {"external_baselines": "external_baselines", "ablation": "ablation", "probe": "probe"}
"""Metrics of the slow studies, and the folder of studies/ that makes them."""

NOT_RUN = "not run yet"
OTHER_DATA = "measured on other data than this run's"


@dataclass(frozen=True)
class Study:
    """Figures of a slow study, or why there are none."""

    figures: Figures
    problem: str
    """``not run yet``, ``measured on other data …``, or nothing."""
    stale: bool
    """The pipeline has changed since."""


def read_metrics(folder: Path | str = "metrics") -> dict[str, Figures]:
    """Read the pipeline's metrics files; a file that isn't there counts as empty."""
    paths = {name: Path(folder) / f"{name}.json" for name in METRICS}
    return {name: read_json(path) if path.exists() else {} for name, path in paths.items()}


def read_studies(path: Path | str, data: Mapping[str, object]) -> dict[str, Study]:
    """Read what ``tools.collect_studies`` gathered.

    Args:
        path: studies/results.json.
        data: metrics/data.json of this run: a study of other data is left out.
    """
    found: Figures = read_json(path)
    return {name: _study(found.get(name), data) for name in STUDIES}


def _study(found: Figures | None, data: Mapping[str, object]) -> Study:
    if not found:
        return Study({}, NOT_RUN, False)
    if found["data"] != data:
        return Study({}, OTHER_DATA, False)
    return Study(found["figures"], "", bool(found["stale"]))


def read_curve(path: Path | str) -> Curve:
    """Read a table of two columns, such as epoch and loss; empty where there is none.

    Raises:
        ArtifactError: the columns are not two, or hold other than finite numbers.
    """
    if not Path(path).exists():
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()[1:]
        points = [(float(x), float(y)) for x, y in (line.split("\t") for line in lines)]
    except ValueError as error:
        raise ArtifactError(str(path), "two columns of numbers", str(error), RERUN_HINT) from None
    wrong = Violations(path)
    wrong.check_rows(~np.isfinite(np.array(points).reshape(-1, 2)).all(axis=1), "not finite")
    wrong.raise_if_any()
    return points


def read_curves(folder: Path | str) -> dict[str, Curve]:
    """Read each NAME.tsv of a folder."""
    return {path.stem: read_curve(path) for path in sorted(Path(folder).glob("*.tsv"))}


def by_measure(curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, dict[str, Curve]]:
    """Turn train and val → measure → curve into measure → train and val → curve."""
    measures = dict.fromkeys(key for one in curves.values() for key in one)
    return {key: {rows: one[key] for rows, one in curves.items() if key in one} for key in sorted(measures)}
