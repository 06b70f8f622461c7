"""Runs the reference system as a DVC experiment: ``python -m tools.reproduce_reference [-S key=value …]``.

docs/reference.md describes it. params.yaml stays unchanged; ``-S`` overrides any param, such as the data.
DVC runs the stages whose params differ, and takes those that ran before from its cache.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from reelgraph.core.schemas.reports import TABLES, parse_table
from tools.review.revision import Sides
from tools.summary import format_result_table

NAME = "reference"
HEAD = Sides(Path(), "HEAD")

SETTINGS: dict[str, object] = {
    "text.model": "bundled",
    "text.batch_size": 64,
    "text.precision": "float32",
    "projection.dim": 300,
    "projection.seed": 42,
    "gnn.hidden_dim": 300,
    "gnn.out_dim": 300,
    "kg.fasttext_epochs": 5,
    "kg.val_fraction": 0,
    "kg.test_fraction": 0,
    "gnn.loss": "bpr",
    "gnn.epochs": 100,
    "gnn.learning_rate": 0.01,
    "embeddings.pairs": 50_000,
    "embeddings.pair_seed": 42,
    "sequences.split": "leave_last_out",
    "sequences.min_history": 10,
    "sequences.train_targets": 5,
    "sequences.n_test": 1,
    "sequences.sample_users": 2_000,
    "sequences.sample_seed": 42,
    "model.embedding": "kg_gnn_bert",
    "model.type": "attention",
    "model.max_history": 30,
    "model.hidden_dim": 128,
    "model.dropout": 0.1,
    "train.epochs": 30,
    "train.batch_size": 128,
    "train.users_per_batch": 0,
    "train.learning_rate": 0.001,
    "train.weight_decay": 0.01,
    "train.cosine_epochs": 30,
    "train.min_learning_rate": 0.00001,
    "train.clip_norm": 1.0,
    "train.precision": "float32",
    "baselines.recent_mean.recent": 5,
    "evaluate.fit": "train",
}
"""All params of the reference, independent of the defaults."""


def command(name: str, options: list[str]) -> list[str]:
    """Return the DVC command of an experiment with the reference's settings, then the further options."""
    settings = [part for key, value in SETTINGS.items() for part in ("-S", f"{key}={value}")]
    return ["dvc", "exp", "run", "--temp", "--name", name, *settings, *options]


def next_name(names: list[str]) -> str:
    """Return the name of the next experiment: reference-1, reference-2 and so on; none is overwritten."""
    numbers = [name.removeprefix(f"{NAME}-") for name in names]
    return f"{NAME}-{max((int(number) for number in numbers if number.isdigit()), default=0) + 1}"


def _experiment_names() -> list[str]:
    return HEAD.git("for-each-ref", "--format=%(refname:lstrip=-1)", f"refs/exps/*/*/{NAME}-*").split()


def _result_table(name: str) -> str:
    """Return the result table of an experiment."""
    revision = HEAD.git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{name}").strip()
    path = "reports/models.tsv"
    text, _ = Sides(HEAD.root, revision).texts(path)
    return format_result_table(parse_table(text, TABLES["models"], path))


if __name__ == "__main__":
    experiment = next_name(_experiment_names())
    status = subprocess.run(command(experiment, sys.argv[1:]), check=False).returncode
    if status:
        sys.exit(status)
    table = _result_table(experiment)
    print(f"\nThe reference system (`dvc exp show`, `dvc exp apply {experiment}`):\n{table}")
