"""Stage train_ranker: fit the rankers and write them to data/ranker/NAME/."""

from __future__ import annotations

from reelgraph.core.parallel import map_in_threads
from reelgraph.params.evaluation import TrainRankerParams
from reelgraph.rankers.io import read_ranker_inputs
from reelgraph.rankers.registry import RankerType, find_rankers, save_ranker
from reelgraph.runtime.atomic_io import atomic_write
from reelgraph.runtime.stage_runner import record_timing, run_stage

STAGE = "train_ranker"


def main(params: TrainRankerParams) -> str:
    """Fit each ranker on the rows that ``evaluate.fit`` names."""
    rankers = find_rankers(params.rankers)
    inputs = read_ranker_inputs(params.evaluate.fit, params.seed)
    with atomic_write("data/ranker") as folder:
        folder.mkdir()

        def fit(ranker: RankerType) -> None:
            with record_timing(STAGE, ranker.name):
                save_ranker(ranker.name, ranker.fit(inputs), folder / ranker.name)

        map_in_threads(fit, rankers, params.compute.threads)
    return f"{len(rankers)} rankers fitted on {len(inputs.ratings.user):,} ratings"


if __name__ == "__main__":
    run_stage(STAGE, TrainRankerParams, main)
