"""The small demo many times over: ``python -m tests.pipeline.soak [RUNS [SEED]]``.

Each run has other params within their ranges and may be killed once, at a random moment. A killed pipeline is run
again; then all that it made must be the bytes of an undisturbed run of the same params, and within what is possible.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.helpers.project import TINY, Project
from tests.pipeline.crashes import forget_runs, output_digests, rerun_and_compare

CHOICES: dict[str, list[object]] = {
    "seed": list(range(1000)),
    "demo.users": [20, 30, 40],
    "demo.movies": [40, 60, 90],
    "gnn.loss": ["softmax", "bpr"],
    "gnn.out_dim": [4, 8, 16],
    "gnn.dropout": [0.0, 0.3, 0.9],
    "gnn.learning_rate": [0.0001, 0.01, 0.3],
    "kg.test_fraction": [0.0, 0.1, 0.4],
    "kg.val_fraction": [0.0, 0.1, 0.4],
    "model.type": ["gp", "attention", "transformer"],
    "model.max_history": [1, 5, 100],
    "model.embedding": ["kg_gnn", "kg_gnn_bert"],
    "gp.context_length": [2, 16, 64],
    "gp.embedding_dim": [1, 4],
    "gp.ensemble_size": [1, 3],
    "train.batch_size": [1, 16, 1000],
    "train.learning_rate": [0.0001, 0.01, 1.0],
    "sequences.split": ["leave_last_out", "global_time"],
    "sequences.train_targets": [0, 1, 5],
    "sequences.n_test": [1, 3],
    "evaluate.fit": ["train", "train_val"],
    "evaluate.examples": [0, 3],
    "compute.threads": [1, 2],
}

SMALL = {**TINY, "demo.mean_ratings": 20, "demo.max_ratings": 40, "evaluate.ranking_users": 5}


def main() -> None:
    """Run, kill, run again, compare; print what came of it."""
    runs, seed = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 50), (2, 0)))
    draw, count = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        project = Project(Path(folder))
        for number in range(runs):
            chosen = {key: draw.choice(values) for key, values in CHOICES.items()}
            project.update_params({**SMALL, **chosen})
            came = _once(project, draw)
            count[came] += 1
            print(f"run {number + 1}: {came}; so far {dict(count)}", flush=True)


def _once(project: Project, draw: random.Random) -> str:
    start = time.monotonic()
    forget_runs(project)
    process = project.start("dvc", "repro", "--force")
    said = process.communicate()[0]
    if process.returncode:
        # What these params can't do is said, and is no defect: but a traceback is.
        assert "Traceback" not in said, said
        assert ": expected " in said, said
        return "refused in words"
    expected, seconds = output_digests(project), time.monotonic() - start
    _possible(project)
    forget_runs(project)
    process = project.start("dvc", "repro", "--force")
    time.sleep(draw.uniform(0, seconds))
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    was_cut = rerun_and_compare(project, expected)
    if not running:
        return "not killed, the same bytes"
    return "killed over dvc.lock, mended, then the same bytes" if was_cut else "killed, then the same bytes"


def _possible(project: Project) -> None:
    rater = json.loads((project.folder / "metrics/rater.json").read_text())
    for part in ("val", "test"):
        assert 0 <= rater[part]["mae"] <= rater[part]["rmse"] <= 4.5, rater


if __name__ == "__main__":
    main()
