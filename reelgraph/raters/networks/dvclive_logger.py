"""Logs learning curves with DVCLive, for ``dvc plots``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from reelgraph.raters.rater import Epoch
from reelgraph.runtime.atomic_io import atomic_write


@contextmanager
def open_dvclive_logger(folder: Path | str) -> Iterator[Callable[[Epoch], None]]:
    """Yield a function that logs an epoch to ``plots/metrics/{train,val}/NAME.tsv`` in a DVCLive folder.

    The folder appears when the training ends. DVCLive writes neither a dvc.yaml, since the pipeline's
    declares the plots, nor an experiment, since DVC tracks it.
    """
    from dvclive import Live  # of the extra `pipeline`

    with atomic_write(folder) as draft:
        live = Live(str(draft), dvcyaml=None, save_dvc_exp=False, report=None)

        def log_epoch(epoch: Epoch) -> None:
            live.step = epoch.epoch
            for name, value in asdict(epoch).items():
                if name != "epoch":
                    live.log_metric(name.replace("_", "/"), value)

        yield log_epoch
        live.end()
        (draft / "metrics.json").unlink(missing_ok=True)
