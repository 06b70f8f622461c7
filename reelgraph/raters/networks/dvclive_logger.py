"""Learning curves, written by DVCLive for ``dvc plots``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from dvclive import Live

from reelgraph.raters.rater import Epoch
from reelgraph.runtime.atomic_io import atomic_write


class DvcLiveLogger:
    """A step an epoch in ``plots/metrics/{train,val}/NAME.tsv`` of a DVCLive folder."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def log_epoch(self, epoch: Epoch) -> None:
        """Log one epoch."""
        self._live.step = epoch.epoch
        for name, value in asdict(epoch).items():
            if name != "epoch":
                self._live.log_metric(name.replace("_", "/"), value)


@contextmanager
def open_dvclive_logger(folder: Path | str) -> Iterator[DvcLiveLogger]:
    """Open a DVCLive folder that appears when the training has ended.

    The pipeline's dvc.yaml declares the plots and DVC tracks the experiment, so
    DVCLive does neither.
    """
    with atomic_write(folder) as draft:
        live = Live(str(draft), dvcyaml=None, save_dvc_exp=False, report=None)
        yield DvcLiveLogger(live)
        live.end()
        (draft / "metrics.json").unlink(missing_ok=True)
