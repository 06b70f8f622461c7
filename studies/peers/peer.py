"""Stage peer@NAME: histories → data/peers/NAME/, its predictions of the targets."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.baselines.fitting import predictions
from reelgraph.baselines.loading import load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.peers import PEERS_FILE, PeerParams
from reelgraph.runtime.atomic_io import write_arrays
from reelgraph.runtime.stage_runner import run, timed
from reelgraph.sequences.arrays import read_histories
from reelgraph.sequences.ratings import stars


def work(name: str, params: PeerParams) -> str:
    """Predict the validation targets, and the test targets by either fit; write the predictions."""
    predict = load_baseline("reelgraph.baselines.external", name, params.peers[name], PEERS_FILE)
    histories = read_histories("data/histories")
    found = predictions(predict, histories, partial(timed, f"peer@{name}"))
    write_arrays(found, f"data/peers/{name}")
    return f"validation RMSE {rmse(stars(histories, histories.val), found['val']):.4f} stars"


if __name__ == "__main__":
    run(f"peer@{sys.argv[1]}", PeerParams, partial(work, sys.argv[1]), PEERS_FILE)
