"""What is taken from a rater, in training and after, to see what it was worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from torch import Tensor

from reelgraph.core.seeds import generator
from reelgraph.raters.networks.base import Network
from reelgraph.raters.rater import MovieInputs
from reelgraph.schemas.kg import KnowledgeGraph
from reelgraph.sequences.batches import Batch
from reelgraph.sequences.dataset import UserHistories


def apply_control(
    control: str | None, histories: UserHistories, movies: MovieInputs, seed: int
) -> tuple[UserHistories, MovieInputs]:
    """Return histories and movies as the control leaves them; ``ratings_hidden`` is a matter of the network.

    ``text_hidden`` and ``graph_hidden`` leave the movie vectors alone: take such as know nothing of it.
    """
    if control == "history_shuffled":
        return shuffle_training_ratings(histories, seed), movies
    if control == "text_hidden":
        return histories, replace(movies, text=np.zeros_like(movies.text))
    if control == "graph_hidden":
        return histories, replace(movies, graph=KnowledgeGraph(movies.graph.movie_ids, {}))
    return histories, movies


def shuffle_training_ratings(histories: UserHistories, seed: int) -> UserHistories:
    """Put each person's training ratings into random order; the times stay, so that they tell nothing.

    Histories of validation and test targets keep what they hold, so that a rater that looks at the last
    ratings sees any of them.
    """
    place = np.arange(len(histories.half_star_code))
    user = np.repeat(np.arange(len(histories.user_id)), np.diff(histories.offsets))
    later = place >= histories.train_end[user]
    key = np.where(later, place, generator(seed, "ablation/shuffle").random(len(place)))
    order = np.lexsort((key, later, user))
    return replace(
        histories, movie_row=histories.movie_row[order], half_star_code=histories.half_star_code[order]
    )


class RatingsHiddenNetwork(Network):
    """A network that sees which movies a history has, but not how they were rated."""

    def __init__(self, network: Network) -> None:
        super().__init__(network.movies)
        self.network = network

    def encode_history(self, batch: Batch) -> Any:
        """Return the histories, every rating in the middle of the scale."""
        return self.network.encode_history(replace(batch, ratings=0.5 * batch.mask))

    def score(self, encoded: Any, targets: Int64[Tensor, "batch targets"]) -> Float[Tensor, "batch targets"]:
        """Predict as the network does."""
        return self.network.score(encoded, targets)
