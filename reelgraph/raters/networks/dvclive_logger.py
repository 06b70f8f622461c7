"""Logs learning curves with DVCLive, for ``dvc plots``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reelgraph.raters.rater import Epoch
from reelgraph.runtime.atomic_io import atomic_write


class DvcLiveLogger:
    """Writes one step per epoch to ``plots/metrics/{train,val}/NAME.tsv`` in a DVCLive folder."""

    def __init__(self, live: Any) -> None:
        """Take a ``dvclive.Live``."""
        self._live = live

    def log_epoch(self, epoch: Epoch) -> None:
        """Log the losses and errors of one epoch."""
        self._live.step = epoch.epoch
        for name, value in asdict(epoch).items():
            if name != "epoch":
                self._live.log_metric(name.replace("_", "/"), value)


@contextmanager
def open_dvclive_logger(folder: Path | str) -> Iterator[DvcLiveLogger]:
    """Open a DVCLive folder; it appears when the training ends.

    DVCLive writes neither a dvc.yaml, since the pipeline's declares the plots, nor an experiment, since DVC
    tracks it.
    """
    from dvclive import Live  # of the extra `pipeline`

    with atomic_write(folder) as draft:
        live = Live(str(draft), dvcyaml=None, save_dvc_exp=False, report=None)
        yield DvcLiveLogger(live)
        live.end()
        (draft / "metrics.json").unlink(missing_ok=True)
