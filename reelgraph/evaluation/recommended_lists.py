"""The lists of recommendations, without predictions of the movies that no list can hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from reelgraph.core.parallel import parallel_map
from reelgraph.core.rating_scale import N_CODES
from reelgraph.evaluation.ranking import (
    LIST_LENGTH,
    USERS_PER_THREAD,
    RankingQueries,
    Scores,
    first_movies,
)
from reelgraph.rankers.ranker import watched_and_liked
from reelgraph.raters.rater import Rater
from reelgraph.sequences.isolated_targets import IsolatedTargets

N_PRESELECTED = 300
"""Movies of each user that are predicted at first."""


def recommended_lists(
    rater: Rater,
    targets: IsolatedTargets,
    queries: RankingQueries,
    served: Sequence[Scores],
    count: Int64[np.ndarray, " movies"],
) -> tuple[Int64[np.ndarray, "users length"], list[Float32[np.ndarray, " movies"]]]:
    """Return each user's list in the order ``recommended`` of ``ranking.rater_orders``, and predicted stars.

    A movie scores highest if the user is sure to like it. So most movies cannot be listed, whatever the rater
    predicts, and only those are predicted that may be.

    Args:
        rater: predicts probabilities.
        targets: one target for each user.
        queries: the same users.
        served: scores of the ranker that orders recommendations, for each user.
        count: fitted ratings of each movie.

    Returns:
        The rows of the ``LIST_LENGTH`` listed movies, -1 behind the end, and the stars of all movies, NaN for
        those that are not predicted.

    Raises:
        ValueError: the rater predicts no probabilities.
    """
    n_movies = len(count)
    lists = np.full((len(served), LIST_LENGTH), -1, np.int64)
    stars = np.full((len(served), n_movies), np.nan, np.float32)
    sure_to_like = np.eye(N_CODES)[np.full(n_movies, N_CODES - 1)]
    gain = watched_and_liked(np.zeros(n_movies), sure_to_like, count)
    """Most that an order's score may be above the ranker's."""

    def predict(
        users: Int64[np.ndarray, " users"],
        movies: Int64[np.ndarray, "users movies"],
        highest: Float[np.ndarray, "users all_movies"],
    ) -> Bool[np.ndarray, " users"]:
        """List the best of these movies for each user; return whose list may miss another movie."""
        is_incomplete = np.zeros(len(users), bool)
        scores = rater.score(targets, targets.train_end, targets.test[users], movies, some_day=True)
        for i, (user, rows, scored) in enumerate(zip(users, movies, scores, strict=True)):
            probabilities = scored.prediction.probabilities
            if probabilities is None:
                raise ValueError("recommendations need a rater that predicts probabilities")
            order = np.full(n_movies, -np.inf)
            order[rows] = watched_and_liked(served[user][rows], probabilities, count[rows])
            stars[user, rows] = scored.prediction.stars
            best = first_movies(order, highest[i] > -np.inf)
            lists[user, : len(best)] = best
            others = np.delete(highest[i], rows)
            is_incomplete[i] = order[best].min(initial=np.inf) < others.max(initial=-np.inf)
        return is_incomplete

    def list_users(users: Int64[np.ndarray, " users"]) -> None:
        highest = np.stack(
            [
                np.where(queries.candidates(user, n_movies), served[user] + gain, -np.inf)
                for user in users.tolist()
            ]
        )
        movies = np.sort(np.argsort(-highest, axis=1)[:, :N_PRESELECTED], axis=1)
        incomplete = np.flatnonzero(predict(users, movies, highest))
        if len(incomplete):
            every_movie = np.tile(np.arange(n_movies), (len(incomplete), 1))
            predict(users[incomplete], every_movie, highest[incomplete])

    starts = range(0, len(served), USERS_PER_THREAD)
    parallel_map(list_users, np.split(np.arange(len(served)), starts[1:]))
    return lists, list(stars)
