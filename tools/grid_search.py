"""Try numbers of a baseline or peer on the validation targets of data/sequences; change nothing.

``python -m tools.grid_search baselines.biased_mf l2=8,10,12 implicit_weight=0.3,0.6`` fits every combination on
training rows and prints its validation RMSE, best last. Test targets are not looked at.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import numpy as np
from ruamel.yaml import YAML
from threadpoolctl import threadpool_limits

from reelgraph.baselines.registry import load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.base import load
from reelgraph.params.evaluation import BaselineParams
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineParams


def parameter_grid(settings: list[str]) -> Iterator[dict[str, object]]:
    """Return every combination of ``key=value,value`` settings; values are read as YAML."""
    yaml = YAML(typ="safe")
    pairs = [setting.split("=", 1) for setting in settings]
    values = [[yaml.load(value) for value in given.split(",")] for _, given in pairs]
    for chosen in itertools.product(*values):
        yield dict(zip([key for key, _ in pairs], chosen, strict=True))


def validation_rmse(histories: UserHistories, room: str, name: str, changed: dict[str, object]) -> float:
    """Fit on training rows with the params file's numbers, these changed; return the RMSE in stars."""
    numbers = (
        load(ExternalBaselineParams, EXTERNAL_BASELINES_FILE).external_baselines
        if room == "peers"
        else load(BaselineParams).baselines
    )
    predict = load_baseline(f"reelgraph.{room}", name, numbers[name] | changed)
    with threadpool_limits(1):
        said = predict(histories, histories.fit_end("train"), np.asarray(histories.val))
    return rmse(star_ratings(histories, histories.val), said)


def main(target: str, *settings: str) -> None:
    """Print each combination as it is done, then all, best last."""
    room, name = target.split(".")
    histories, lines = read_histories("data/sequences"), []
    for changed in parameter_grid(list(settings)):
        found = validation_rmse(histories, room, name, changed)
        lines.append(f"{found:.4f}  {' '.join(f'{key}={value}' for key, value in changed.items())}")
        print(lines[-1], flush=True)
    print("\n" + "\n".join(sorted(lines, reverse=True)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ReelgraphError as error:
        sys.exit(str(error))
