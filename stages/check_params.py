"""Stage check_params: validate params.yaml before DVC removes an output. All other stages come after it."""

from __future__ import annotations

from pathlib import Path

from reelgraph.baselines.registry import load_baseline
from reelgraph.params.base import StageParams, load
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.pipeline import PipelineParams, check_sections
from reelgraph.rankers.registry import find_rankers
from reelgraph.raters.names import rater_module
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage

RESULT = Path("data/valid_params.json")
"""Always the same content, so that no stage reruns because this one ran."""


def main(_: StageParams) -> str:
    """Validate all sections, and what holds between them."""
    params = load(PipelineParams)
    rater_module(params.model.type)
    check_sections(params)
    if params.kg.fasttext not in ("train", "hub"):
        _check_fasttext_file(params.kg.fasttext, params.projection.dim)
    for name, values in params.baselines.items():
        load_baseline(name, values)
    find_rankers(params.rankers)
    if params.compute.device != "cpu" or params.train.processes > 1 or params.train.users_per_batch:
        _check_rater_and_device()
    write_json({"valid": True}, RESULT)
    return f"{len(PipelineParams.model_fields)} sections"


def _check_fasttext_file(path: str, dim: int) -> None:
    # Imported here: most runs do not need it.
    from reelgraph.graph.entity_embeddings import check_model_dimension

    check_model_dimension(path, dim)


def _check_rater_and_device() -> None:
    # Imported here: torch takes two seconds, and few experiments need it.
    from reelgraph.core.torch_setup import configure_torch
    from reelgraph.raters.registry import check_rater_params

    params = load(TrainRaterParams)
    check_rater_params(params)
    configure_torch(params.compute)


if __name__ == "__main__":
    run_stage("check_params", StageParams, main)
