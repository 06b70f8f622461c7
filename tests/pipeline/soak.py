"""Run the small demo many times with random params: ``python -m tests.pipeline.soak [RUNS [SEED]]``.

Each run is repeated and killed once at a random moment of the repetition. The next run must write the bytes of the
undisturbed one, and the metrics must be in their possible range.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.helpers.project import TINY, Project
from tests.pipeline.crashes import clear_run_cache, output_digests, rerun_and_compare

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
    "sequences.split": ["leave_last_out", "global_time", "cold_movies", "new_movies"],
    "sequences.train_targets": [0, 1, 5],
    "sequences.n_test": [1, 3],
    "evaluate.fit": ["train", "train_val"],
    "evaluate.examples": [0, 3],
    "compute.threads": [1, 2],
}

SMALL = {**TINY, "demo.mean_ratings": 20, "demo.max_ratings": 40, "evaluate.ranking_users": 5}


def main() -> None:
    """Run, kill, run again, compare; print the counts of outcomes."""
    runs, seed = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 50), (2, 0)))
    rng = random.Random(seed)
    outcomes = Counter[str]()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        project = Project(Path(folder))
        for number in range(runs):
            params = {key: rng.choice(values) for key, values in CHOICES.items()}
            project.update_params({**SMALL, **params})
            outcome = _run_and_kill(project, rng)
            outcomes[outcome] += 1
            print(f"run {number + 1}: {outcome}; so far {dict(outcomes)}", flush=True)


def _run_and_kill(project: Project, rng: random.Random) -> str:
    start = time.monotonic()
    clear_run_cache(project)
    process = project.start("dvc", "repro", "--force")
    output = process.communicate()[0]
    if process.returncode:
        # A combination of params may be refused with a clear error; a traceback is a defect.
        assert "Traceback" not in output, output
        assert ": expected " in output, output
        return "refused with an error"
    expected = output_digests(project)
    seconds = time.monotonic() - start
    _check_metrics(project)
    clear_run_cache(project)
    process = project.start("dvc", "repro", "--force")
    time.sleep(rng.uniform(0, seconds))
    running = process.poll() is None
    if running:
        project.kill(process)
    else:
        process.communicate()
    lock_was_cut = rerun_and_compare(project, expected)
    if not running:
        return "not killed, same bytes"
    return "killed during a write of dvc.lock, same bytes" if lock_was_cut else "killed, same bytes"


def _check_metrics(project: Project) -> None:
    rater = json.loads((project.folder / "metrics/rater.json").read_text())
    assert 0 <= rater["mae"] <= rater["rmse"] <= 4.5, rater
    assert 0 <= rater["val_rmse"] <= 4.5, rater


if __name__ == "__main__":
    main()
