"""Stage train_rater: histories, what is known of the movies → data/rater/, plots/rater/.

Under torch's launcher (torchrun), which the stage itself starts where train.processes says so, this is one of
the processes that train together. They leave states, and the stage goes on from those.
"""

from __future__ import annotations

from reelgraph.core.torch_setup import CPU, configure_torch, device_suffix
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import MovieInputs, fit_rater, fit_worker
from reelgraph.raters.io import read_movie_inputs, save_raters
from reelgraph.raters.networks.distributed import ProcessGroup, init_process_group, is_worker, launch
from reelgraph.raters.networks.dvclive_logger import open_dvclive_logger
from reelgraph.runtime.checkpointing import checkpoint_dir, resumable
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import UserHistories, read_histories

STAGE = "train_rater"
INPUTS = ["data/sequences", "data/text_vectors.parquet", "data/kg", "data/movies.parquet"]


def main(params: TrainRaterParams) -> str:
    """Fit the rater, write its weights, configuration and history."""
    # gp makes ever other columns of all ratings, networks the same batches again and again.
    device = configure_torch(params.compute, retain_freed_memory=params.model.type != "gp")
    histories, movies, inputs = _read(params)
    with resumable(STAGE, params, inputs) as resume:
        if params.train.processes > 1:
            launch(params, "stages.train_rater", folder=checkpoint_dir(STAGE, params, inputs), device=device)
        with open_dvclive_logger("plots/rater") as live:
            fitted = fit_rater(params, histories, movies, live.log_epoch, resume, ProcessGroup(device))
        save_raters(fitted, params, "data/rater")
    used = CPU if params.model.type == "gp" else device
    return (
        f"{params.model.type}, {fitted.train.parameter_count:,} parameters, epoch {fitted.best_epoch} "
        f"of {len(fitted.epochs)}: validation RMSE {fitted.val_rmse:.4f} stars"
        f"{device_suffix(used, params.compute)}"
    )


def train_worker(params: TrainRaterParams) -> None:
    """Train together with the other processes."""
    device = configure_torch(params.compute)
    histories, movies, inputs = _read(params)
    with init_process_group(checkpoint_dir(STAGE, params, inputs), device) as (team, states):
        fit_worker(params, histories, movies, states, team)


def _read(params: TrainRaterParams) -> tuple[UserHistories, MovieInputs, list[str]]:
    vectors = f"data/emb_{params.model.embedding}.parquet"
    movies = read_movie_inputs(vectors)
    return read_histories("data/sequences", len(movies.year)), movies, [*INPUTS, vectors]


if __name__ == "__main__":
    train_worker(load(TrainRaterParams)) if is_worker() else run_stage(STAGE, TrainRaterParams, main)
