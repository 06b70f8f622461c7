"""Stage train_rater: histories, what is known of the movies → data/rater/, plots/rater/.

Under torch's launcher (torchrun), which the stage itself starts where train.processes says so, this is one of
the processes that train together. They leave states, and the stage goes on from those.
"""

from __future__ import annotations

from reelgraph.core.torch_setup import CPU, prepare, where
from reelgraph.params.base import load
from reelgraph.params.rater import RaterParams
from reelgraph.raters.curves import curves
from reelgraph.raters.fitting import Movies, fit_rater, fit_states
from reelgraph.raters.networks.distributed import joined, launch, launched
from reelgraph.raters.networks.team import Team
from reelgraph.raters.reading import read_known
from reelgraph.raters.saving import write_fitted
from reelgraph.runtime.checkpointing import place, resumable
from reelgraph.runtime.stage_runner import run
from reelgraph.sequences.arrays import Histories, read_histories

STAGE = "train_rater"
INPUTS = ["data/histories", "data/text_vectors.parquet", "data/kg", "data/movies.parquet"]


def work(params: RaterParams) -> str:
    """Fit the rater, write its weights, configuration and history."""
    # gp makes ever other columns of all ratings, networks the same batches again and again.
    device = prepare(params.compute, keep=params.model.type != "gp")
    histories, movies, inputs = _read(params)
    with resumable(STAGE, params, inputs) as resume:
        if params.train.processes > 1:
            launch(params, "stages.train_rater", folder=place(STAGE, params, inputs), device=device)
        with curves("plots/rater") as live:
            fitted = fit_rater(params, histories, movies, live.add, resume, Team(device))
        write_fitted(fitted, params, "data/rater")
    used = CPU if params.model.type == "gp" else device
    return (
        f"{params.model.type}, {fitted.train.parameters:,} parameters, epoch {fitted.best_epoch} "
        f"of {len(fitted.epochs)}: validation RMSE {fitted.val_rmse:.4f} stars{where(used, params.compute)}"
    )


def share(params: RaterParams) -> None:
    """Train together with the other processes."""
    device = prepare(params.compute)
    histories, movies, inputs = _read(params)
    with joined(place(STAGE, params, inputs), device) as (team, states):
        fit_states(params, histories, movies, states, team)


def _read(params: RaterParams) -> tuple[Histories, Movies, list[str]]:
    vectors = f"data/emb_{params.model.embedding}.parquet"
    movies = read_known(vectors)
    return read_histories("data/histories", len(movies.year)), movies, [*INPUTS, vectors]


if __name__ == "__main__":
    share(load(RaterParams)) if launched() else run(STAGE, RaterParams, work)
