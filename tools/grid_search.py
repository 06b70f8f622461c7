"""Grid search over the params of a baseline, by RMSE on the validation targets of data/sequences.

``python -m tools.grid_search baselines.biased_mf l2=8,10,12 implicit_weight=0.3,0.6`` fits every
combination on the training rows and prints its validation RMSE, the best last. Params that are not
named keep the values of the params file. It writes no file and does not use the test targets.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping

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
    """Yield every combination of ``key=value,value`` settings; values are parsed as YAML."""
    yaml = YAML(typ="safe")
    pairs = [setting.split("=", 1) for setting in settings]
    keys = [key for key, _ in pairs]
    values = [[yaml.load(value) for value in text.split(",")] for _, text in pairs]
    for combination in itertools.product(*values):
        yield dict(zip(keys, combination, strict=True))


def validation_rmse(
    histories: UserHistories, section: str, name: str, overrides: Mapping[str, object]
) -> float:
    """Fit a baseline on the training rows and return its validation RMSE in stars.

    Args:
        histories: ratings and targets.
        section: ``baselines`` or ``external_baselines``.
        name: the baseline.
        overrides: params that replace those of the params file.
    """
    if section == "external_baselines":
        params = load(ExternalBaselineParams, EXTERNAL_BASELINES_FILE).external_baselines
    else:
        params = load(BaselineParams).baselines
    predict = load_baseline(name, params[name] | dict(overrides))
    with threadpool_limits(1):
        predictions = predict(histories, histories.fit_end("train"), np.asarray(histories.val))
    return rmse(star_ratings(histories, histories.val), predictions)


def main(target: str, *settings: str) -> None:
    """Print the RMSE of each combination after its fit, then all, the best last."""
    section, name = target.split(".")
    histories = read_histories("data/sequences")
    lines = []
    for overrides in parameter_grid(list(settings)):
        error = validation_rmse(histories, section, name, overrides)
        lines.append(f"{error:.4f}  {' '.join(f'{key}={value}' for key, value in overrides.items())}")
        print(lines[-1], flush=True)
    print("\n" + "\n".join(sorted(lines, reverse=True)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ReelgraphError as error:
        sys.exit(str(error))
