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
"""Movies of each user that are predicted at first; users with more possible movies are predicted again."""


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
        candidates: Bool[np.ndarray, "users all_movies"],
    ) -> Float[np.ndarray, " users"]:
        """List the best of these movies for each user; return the lowest score in each list."""
        lowest = np.empty(len(users))
        scores = rater.score(targets, targets.train_end, targets.test[users], movies, some_day=True)
        for i, (user, rows, scored) in enumerate(zip(users, movies, scores, strict=True)):
            probabilities = scored.prediction.probabilities
            if probabilities is None:
                raise ValueError("recommendations need a rater that predicts probabilities")
            order = np.full(n_movies, -np.inf)
            order[rows] = watched_and_liked(served[user][rows], probabilities, count[rows])
            stars[user, rows] = scored.prediction.stars
            best = first_movies(order, candidates[i])
            lists[user, : len(best)] = best
            lowest[i] = order[best].min(initial=np.inf)
        return lowest

    def list_users(users: Int64[np.ndarray, " users"]) -> None:
        candidates = np.stack([queries.candidates(user, n_movies) for user in users.tolist()])
        highest = np.where(candidates, np.stack([served[user] for user in users]) + gain, -np.inf)
        movies = np.argsort(-highest, axis=1)
        lowest = predict(users, movies[:, :N_PRESELECTED], candidates)
        n_possible = (highest > lowest[:, None]).sum(axis=1)
        again = np.flatnonzero(n_possible > N_PRESELECTED)
        if len(again):
            predict(users[again], movies[again, : n_possible.max()], candidates[again])

    starts = range(0, len(served), USERS_PER_THREAD)
    parallel_map(list_users, np.split(np.arange(len(served)), starts[1:]))
    return lists, list(stars)
