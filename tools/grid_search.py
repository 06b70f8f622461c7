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
from reelgraph.params.base import PARAMS_FILE, load
from reelgraph.params.evaluation import BaselineParams
from reelgraph.runtime.errors import ParamError, ReelgraphError
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineParams


def parameter_grid(settings: list[str]) -> Iterator[dict[str, object]]:
    """Yield every combination of ``key=value,value`` settings; values are parsed as YAML.

    Raises:
        ParamError: a setting has another form.
    """
    yaml = YAML(typ="safe")
    values: dict[str, list[object]] = {}
    for setting in settings:
        key, is_valid, text = setting.partition("=")
        if not is_valid:
            raise ParamError(repr(setting), "key=value,value", "no =", "Write l2=8,10,12.")
        values[key] = [yaml.load(value) for value in text.split(",")]
    for combination in itertools.product(*values.values()):
        yield dict(zip(values, combination, strict=True))


def read_params(target: str) -> dict[str, object]:
    """Return the params of a baseline, such as ``baselines.biased_mf``, in its params file.

    Raises:
        ParamError: there is no such baseline.
    """
    external = load(ExternalBaselineParams, PARAMS_FILE, EXTERNAL_BASELINES_FILE)
    by_section = {
        "baselines": load(BaselineParams).baselines,
        "external_baselines": external.external_baselines,
    }
    targets = {f"{section}.{name}": params for section, by_name in by_section.items()
               for name, params in by_name.items()}  # fmt: skip
    if target not in targets:
        raise ParamError(repr(target), f"one of {', '.join(targets)}", "another name", "Name a baseline.")
    return targets[target]


def validation_rmse(histories: UserHistories, name: str, params: Mapping[str, object]) -> float:
    """Fit a baseline on the training rows and return its validation RMSE in stars."""
    predict = load_baseline(name, params)
    with threadpool_limits(1):
        predictions = predict(histories, histories.fit_end("train"), np.asarray(histories.val))
    return rmse(star_ratings(histories, histories.val), predictions)


def main(target: str = "", *settings: str) -> None:
    """Print the RMSE of each combination after its fit, then all, the best last.

    Raises:
        ParamError: there is no such baseline or param, or a setting is not ``key=value,value``.
        ArtifactError: the pipeline has not run.
    """
    params = read_params(target)
    grid = list(parameter_grid(list(settings)))
    histories = read_histories("data/sequences")
    lines = []
    for overrides in grid:
        error = validation_rmse(histories, target.partition(".")[2], params | overrides)
        lines.append(f"{error:.4f}  {' '.join(f'{key}={value}' for key, value in overrides.items())}")
        print(lines[-1], flush=True)
    print("\n" + "\n".join(sorted(lines, reverse=True)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ReelgraphError as error:
        sys.exit(str(error))
