"""The ablations: a rater is fitted with one input removed, and its errors are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from torch import Tensor

from reelgraph.core.metrics import rmse
from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.seeds import generator
from reelgraph.embeddings.embedding_sets import random_embeddings
from reelgraph.params.evaluation import Evaluate
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import make_fitter
from reelgraph.raters.io import read_movie_inputs
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.network_rater import NetworkFitter
from reelgraph.raters.rater import MovieInputs
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.batches import Batch
from reelgraph.sequences.dataset import UserHistories, star_ratings
from studies.ablation.params import AblationParams
from studies.ablation.result_table import Experiment


def run_experiment(
    experiment: Experiment,
    seed: int,
    params: AblationParams,
    histories: UserHistories,
    movies: MovieInputs,
) -> dict[str, float]:
    """Fit the experiment's rater on training rows and return its validation and test RMSE, in stars.

    Raises:
        ParamError: the rater does not support the control ``ratings_hidden``.
        TrainingError: there are no validation targets, or a loss is not finite.
    """
    histories, movies = apply_control(experiment.control, histories, movies, seed)
    fitter = make_fitter(rater_params(experiment, seed, params), histories, movies)
    if experiment.control == "ratings_hidden":
        if not isinstance(fitter, NetworkFitter):
            raise ParamError("ablation.gp_controls", "controls that gp supports", "ratings_hidden",
                             "Remove it: a Gaussian process without ratings is item_mean.")  # fmt: skip
        fitter.wrap_network(RatingsHiddenNetwork)
    rater = fitter.fit_and_select().rater
    fit_end = histories.fit_end("train")
    result = {}
    for name, index in (("val", histories.val), ("test", histories.test)):
        predicted = rater.predict(histories, fit_end, index).stars
        result[f"{name}_rmse"] = rmse(star_ratings(histories, index), predicted)
    return result


def read_vectors_of(experiment: Experiment, params: AblationParams) -> MovieInputs:
    """Read the movies with the vectors of an experiment; ``random`` gets random ones."""
    name = experiment.control_embedding
    movies = read_movie_inputs(params.ablation.embeddings[name])
    if name != "random":
        return movies
    n_movies, dim = movies.vectors.shape
    return replace(movies, vectors=random_embeddings(n_movies, dim, params.seed))


def rater_params(experiment: Experiment, seed: int, params: AblationParams) -> TrainRaterParams:
    """Return the params of an experiment's rater, with the keys that the study replaces."""
    ablation = params.ablation
    model = {"type": experiment.rater, "embedding": experiment.embedding, "seed": 0}
    gp = {"epochs": ablation.gp_epochs, "max_ratings": ablation.gp_max_ratings}
    return TrainRaterParams(
        seed=seed,
        model=params.model.model_copy(update=model),
        gp=params.gp.model_copy(update=gp),
        raters=params.raters,
        train=params.train.model_copy(update={"epochs": ablation.epochs}),
        evaluate=Evaluate(fit="train", examples=0, ranking_users=1),
        compute=params.compute,
    )


def apply_control(
    control: str | None, histories: UserHistories, movies: MovieInputs, seed: int
) -> tuple[UserHistories, MovieInputs]:
    """Return histories and movies without the input that the control removes.

    ``text_hidden`` and ``graph_hidden`` keep the movie vectors: pass vectors made without this input. For
    ``ratings_hidden`` see ``RatingsHiddenNetwork``.
    """
    if control == "history_shuffled":
        return shuffle_training_ratings(histories, seed), movies
    if control == "text_hidden":
        return histories, replace(movies, text=np.zeros_like(movies.text))
    if control == "graph_hidden":
        return histories, replace(movies, graph=KnowledgeGraph(movies.graph.movie_ids, {}))
    return histories, movies


def shuffle_training_ratings(histories: UserHistories, seed: int) -> UserHistories:
    """Shuffle each user's training ratings; the timestamps keep their order and carry no information.

    A history contains the same ratings as before, so a rater that reads the last ratings reads a random
    sample of them.
    """
    rating = np.arange(len(histories.half_star_code))
    user = np.repeat(np.arange(len(histories.user_id)), np.diff(histories.offsets))
    is_later = rating >= histories.train_end[user]
    key = np.where(is_later, rating, generator(seed, "ablation/shuffle").random(len(rating)))
    order = np.lexsort((key, is_later, user))
    return replace(
        histories, movie_row=histories.movie_row[order], half_star_code=histories.half_star_code[order]
    )


class RatingsHiddenNetwork(Network):
    """A network that reads the movies of a history but not their ratings."""

    def __init__(self, network: Network) -> None:
        super().__init__(network.movies)
        self.network = network

    def encode_history(self, batch: Batch) -> Any:
        """Encode the histories with every rating in the middle of the scale."""
        return self.network.encode_history(replace(batch, ratings=0.5 * batch.mask))

    def score(self, encoded: Any, targets: Int64[Tensor, "batch targets"]) -> Float[Tensor, "batch targets"]:
        """Predict as the wrapped network does."""
        return self.network.score(encoded, targets)
