"""The ablation table: which rows it has, what their seeds came to, and its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelgraph.runtime.plotting import ACCENT_COLOR, MUTED_COLOR, new_figure, save_figure
from studies.ablation.params import Ablation

Table = dict[str, dict[str, float | int]]

DEFAULT_EMBEDDING = "kg_gnn_bert"
"""Vectors that the controls are run on."""
NETWORKS = ("attention", "transformer")
CONTROL_EMBEDDINGS = {"text_hidden": "kg_gnn", "graph_hidden": "text"}
"""Vectors that know nothing of what a control hides, in place of the default's."""


@dataclass(frozen=True)
class Experiment:
    """A row of the table."""

    architecture: str
    embedding: str
    control: str | None = None

    @property
    def name(self) -> str:
        """The row's key in the metrics."""
        return f"{self.architecture}-{self.embedding}-{self.control or 'none'}"

    @property
    def control_embedding(self) -> str:
        """The set of movie vectors that the rater gets."""
        return CONTROL_EMBEDDINGS.get(self.control or "", self.embedding)


def list_experiments(params: Ablation) -> list[Experiment]:
    """Return the table's rows: every architecture on every embedding, then the controls."""
    crossed = [Experiment(each, name) for each in params.raters for name in params.embeddings]
    of_networks = [
        Experiment(each, DEFAULT_EMBEDDING, control)
        for each in NETWORKS
        for control in params.network_controls
    ]
    return [
        *crossed,
        *of_networks,
        *(Experiment("gp", DEFAULT_EMBEDDING, control) for control in params.gp_controls),
    ]


def aggregate_runs(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """Return, for each row, mean and spread (standard deviation, n − 1) over its seeds; 0 for one seed."""
    table: Table = {}
    for name, results in runs.items():
        table[name] = {"seeds": len(results)} | {
            key: value for metric in ("val_rmse", "test_rmse")
            for key, value in _spread(metric, np.array([result[metric] for result in results])).items()
        }  # fmt: skip
    return table


def _spread(metric: str, values: np.ndarray) -> dict[str, float]:
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {metric: float(values.mean()), f"{metric}_std": spread}


def plot_table(table: Table, path: Path | str) -> None:
    """Draw each row's validation and test RMSE with their spread, the best on top."""
    names = sorted(table, key=lambda name: (table[name]["val_rmse"], name))
    places = np.arange(len(names))
    drawn, axes = new_figure("Ablation: mean over seeds ± spread", "RMSE (stars)", "")
    drawn.set_size_inches(6.4, 1.2 + 0.22 * len(names))
    for metric, color, label in (
        ("test_rmse", MUTED_COLOR, "test"),
        ("val_rmse", ACCENT_COLOR, "validation"),
    ):
        values = [table[name][metric] for name in names]
        spread = [table[name][f"{metric}_std"] for name in names]
        axes.errorbar(values, places, xerr=spread, fmt="o", markersize=4, color=color, label=label)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.legend(frameon=False)
    save_figure(drawn, path)
