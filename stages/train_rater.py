"""Stage train_rater: histories and movie inputs → data/rater/, plots/rater/.

With ``train.processes`` above 1 it starts workers of this module under torchrun, and resumes from their
checkpoints.
"""

from __future__ import annotations

from reelgraph.core.torch_setup import configure_torch, device_suffix
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import fit_rater, fit_worker, launch_workers
from reelgraph.raters.io import read_movie_inputs, save_raters, write_learning_curves
from reelgraph.raters.networks.distributed import ProcessGroup, init_process_group, is_worker
from reelgraph.raters.rater import MovieInputs
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.checkpointing import checkpoint_dir, resumable
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import UserHistories, read_histories

STAGE = "train_rater"
INPUTS = ["data/sequences", "data/text_vectors.parquet", "data/kg", "data/movies.parquet"]
PACKAGES = ["core", "raters", "runtime", "sequences"]


def main(params: TrainRaterParams) -> str:
    """Fit the rater; write its weights, params and learning curve."""
    rater_type = find_rater(params.model.type)
    device = rater_type.choose_device(configure_torch(params.compute, rater_type.retain_freed_memory))
    histories, movies, inputs = _read(params)
    with resumable(STAGE, params, inputs, PACKAGES) as checkpoints:
        if params.train.processes > 1:
            folder = checkpoint_dir(STAGE, params, inputs, PACKAGES)
            launch_workers(params, "stages.train_rater", folder=folder, device=device)
        result = fit_rater(params, histories, movies, checkpoints, ProcessGroup(device))
        save_raters(result, params, "data/rater")
    write_learning_curves(result.epochs, "plots/rater")
    suffix = device_suffix(device, params.compute)
    return (
        f"{params.model.type}, {result.train.parameter_count:,} parameters, epoch {result.best_epoch} "
        f"of {len(result.epochs)}: validation RMSE {result.val_rmse:.4f} stars{suffix}"
    )


def train_worker(params: TrainRaterParams) -> None:
    """Train in one of several processes."""
    device = configure_torch(params.compute)
    histories, movies, inputs = _read(params)
    with init_process_group(checkpoint_dir(STAGE, params, inputs, PACKAGES), device) as (group, checkpoints):
        fit_worker(params, histories, movies, checkpoints, group)


def _read(params: TrainRaterParams) -> tuple[UserHistories, MovieInputs, list[str]]:
    vectors = f"data/emb_{params.model.embedding}.parquet"
    movies = read_movie_inputs(vectors)
    return read_histories("data/sequences", len(movies.year)), movies, [*INPUTS, vectors]


if __name__ == "__main__":
    train_worker(load(TrainRaterParams)) if is_worker() else run_stage(STAGE, TrainRaterParams, main)
