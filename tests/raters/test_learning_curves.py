"""The rater's learning curves, which ``dvc plots`` shows."""

from __future__ import annotations

from pathlib import Path

from reelgraph.raters.io import write_learning_curves
from reelgraph.raters.rater import Epoch


def test_write_learning_curves_has_a_file_for_each_metric_and_a_row_for_each_epoch(tmp_path: Path) -> None:
    epochs = [Epoch(1, 0.5, 1.1, 0.6, 1.2, 0.9), Epoch(2, 0.25, 1.0, 0.4, 1.05, 0.8)]
    write_learning_curves(epochs, tmp_path / "rater")
    files = {str(path.relative_to(tmp_path / "rater")) for path in tmp_path.rglob("*.tsv")}
    assert files == {"train/loss.tsv", "train/rmse.tsv", "val/loss.tsv", "val/rmse.tsv", "val/mae.tsv"}
    assert (tmp_path / "rater/val/mae.tsv").read_text() == "epoch\tmae\n1\t0.900000\n2\t0.800000\n"
