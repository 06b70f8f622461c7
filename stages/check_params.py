"""Stage check_params: validate params.yaml before DVC removes an output. All other stages come after it."""

from __future__ import annotations

from pathlib import Path

from reelgraph.baselines.registry import load_baseline
from reelgraph.params.base import PARAMS_FILE, StageParams, load
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.pipeline import PipelineParams, check_sections
from reelgraph.rankers.registry import find_rankers
from reelgraph.raters.names import rater_module
from reelgraph.runtime.atomic_io import advance_mtime, write_json
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.runtime.stage_runner import run_stage

RESULT = Path("data/valid_params.json")
"""Always the same content, so that no stage reruns because this one ran."""


def main(_: StageParams) -> str:
    """Validate all sections, and what holds between them."""
    try:
        params = load(PipelineParams)
        check_sections(params)
        rater_module(params.model.type)
        for name, values in params.baselines.items():
            load_baseline(name, values)
        find_rankers(params.rankers)
        _check_files_and_device(params)
    except ReelgraphError:
        advance_mtime(Path(PARAMS_FILE))
        raise
    write_json({"valid": True}, RESULT)
    return f"{len(PipelineParams.model_fields)} sections"


def _check_files_and_device(params: PipelineParams) -> None:
    # Imported here: most experiments do not need it, and torch takes two seconds.
    if params.kg.fasttext not in ("train", "hub"):
        from reelgraph.graph.entity_embeddings import check_model_dimension

        check_model_dimension(params.kg.fasttext, params.projection.dim)
    if params.text.model != "bundled":
        from reelgraph.text.sentence_model import locate_model

        locate_model(params.text.model)
    train = params.train
    if params.compute.device != "cpu" or params.raters or train.processes > 1 or train.users_per_batch:
        from reelgraph.core.torch_setup import configure_torch
        from reelgraph.raters.registry import check_rater_params

        check_rater_params(load(TrainRaterParams))
        configure_torch(params.compute)


if __name__ == "__main__":
    run_stage("check_params", StageParams, main)
