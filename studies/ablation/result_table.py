"""The ablation's experiments, the table of their results, and its plot."""

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
"""Movie vectors of the controls."""
NETWORKS = ("attention", "transformer")
CONTROL_EMBEDDINGS = {"text_hidden": "kg_gnn", "graph_hidden": "text"}
"""Movie vectors made without the input that a control removes; they replace the default's."""


@dataclass(frozen=True)
class Experiment:
    """A row of the table: one rater, one set of movie vectors, one control."""

    rater: str
    embedding: str
    control: str | None = None

    @property
    def name(self) -> str:
        """Key in the metrics."""
        return f"{self.rater}-{self.embedding}-{self.control or 'none'}"

    @property
    def control_embedding(self) -> str:
        """Movie vectors that the rater reads."""
        return CONTROL_EMBEDDINGS.get(self.control or "", self.embedding)


def list_experiments(params: Ablation) -> list[Experiment]:
    """Return every rater on every embedding, then the controls."""
    experiments = [Experiment(rater, name) for rater in params.raters for name in params.embeddings]
    for network in NETWORKS:
        experiments += [
            Experiment(network, DEFAULT_EMBEDDING, control) for control in params.network_controls
        ]
    experiments += [Experiment("gp", DEFAULT_EMBEDDING, control) for control in params.gp_controls]
    return experiments


def aggregate_runs(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """Return each experiment's mean and std (n − 1) over its seeds; the std of one seed is 0."""
    table: Table = {}
    for name, results in runs.items():
        table[name] = {"seeds": len(results)}
        for metric in ("val_rmse", "test_rmse"):
            values = np.array([result[metric] for result in results])
            table[name][metric] = float(values.mean())
            table[name][f"{metric}_std"] = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return table


def plot_table(table: Table, path: Path | str) -> None:
    """Plot each experiment's validation and test RMSE with their std, the best first."""
    names = sorted(table, key=lambda name: (table[name]["val_rmse"], name))
    positions = np.arange(len(names))
    figure, axes = new_figure("Ablation: mean over seeds ± std", "RMSE (stars)", "")
    figure.set_size_inches(6.4, 1.2 + 0.22 * len(names))
    for metric, color, label in (
        ("test_rmse", MUTED_COLOR, "test"),
        ("val_rmse", ACCENT_COLOR, "validation"),
    ):
        mean = [table[name][metric] for name in names]
        std = [table[name][f"{metric}_std"] for name in names]
        axes.errorbar(mean, positions, xerr=std, fmt="o", markersize=4, color=color, label=label)
    axes.set_yticks(positions, names, fontsize=8)
    axes.invert_yaxis()
    axes.legend(frameon=False)
    save_figure(figure, path)
