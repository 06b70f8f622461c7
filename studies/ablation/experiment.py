"""A run of the ablation: one rater, one set of movie vectors, one control, one seed."""

from __future__ import annotations

from typing import Any

from reelgraph.core.metrics import rmse
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import make_fitter
from reelgraph.raters.networks.network_rater import NetworkFitter
from reelgraph.raters.rater import MovieInputs
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from studies.ablation.ablations import RatingsHiddenNetwork, apply_control
from studies.ablation.params import AblationRunParams
from studies.ablation.result_table import DEFAULT_EMBEDDING, Experiment


def run_experiment(
    row: Experiment, seed: int, params: AblationRunParams, histories: UserHistories, movies: MovieInputs
) -> dict[str, float]:
    """Fit one rater on training rows under the control; return its validation and test RMSE, stars.

    Raises:
        ParamError: gp is asked to hide ratings: without them it has nothing to condition on.
        TrainingError: there are no validation targets, or a loss is not finite.
    """
    seen, known = apply_control(row.control, histories, movies, seed)
    fitter = make_fitter(_budget(row, seed, params), seen, known)
    if row.control == "ratings_hidden":
        if not isinstance(fitter, NetworkFitter):
            raise ParamError("ablation.gp_controls", "controls that gp supports", "ratings_hidden",
                             "Remove it: a Gaussian process without ratings is item_mean.")  # fmt: skip
        fitter.wrap_network(RatingsHiddenNetwork)
    rater = fitter.fit_and_select(lambda epoch: None).rater
    targets = {"val": histories.val, "test": histories.test}
    return {
        f"{name}_rmse": rmse(
            star_ratings(seen, index), rater.predict(seen, seen.fit_end("train"), index).stars
        )
        for name, index in targets.items()
    }


def shared_params(params: AblationRunParams) -> dict[str, Any]:
    """Return the params that bear on every run: all but those that the runs differ in."""
    any_row = Experiment("gp", DEFAULT_EMBEDDING)
    return _budget(any_row, 0, params).model_dump(exclude={"seed": True, "model": {"type", "embedding"}})


def _budget(row: Experiment, seed: int, params: AblationRunParams) -> TrainRaterParams:
    own = params.ablation
    return TrainRaterParams(
        seed=seed,
        model=params.model.model_copy(update={"type": row.architecture, "embedding": row.embedding}),
        gp=params.gp.model_copy(update={"epochs": own.gp_epochs, "max_ratings": own.gp_max_ratings}),
        raters=params.raters,
        train=params.train.model_copy(update={"epochs": own.epochs}),
        compute=params.compute,
    )
