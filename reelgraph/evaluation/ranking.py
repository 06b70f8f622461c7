"""Ranking metrics: the ranks of each user's test movies among the candidates outside of the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from reelgraph.core.parallel import parallel_map
from reelgraph.core.schemas.reports import round_figures
from reelgraph.core.seeds import subsample
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, interval_columns
from reelgraph.evaluation.list_metrics import list_metrics
from reelgraph.rankers.ranker import LIKED_STARS, Ranker, RankingQuery, ranks, watched_and_liked
from reelgraph.raters.rater import Prediction, Rater
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sequences.isolated_targets import IsolatedTargets

NDCG_CUTOFF = 10
LIST_LENGTH = 20
METRICS = ("ndcg_10", "recall_20", "hit_10", "mrr")
COMPARED_METRICS = METRICS[:2]
"""Metrics with intervals."""
DAMPING = 5.0
"""Ratings that the global mean counts as in a movie's damped mean."""
USERS_PER_THREAD = 100
"""Users that one thread scores at a time."""
Scores = Float[np.ndarray, " movies"]


@dataclass(frozen=True)
class RankingQueries:
    """Users with test targets; one query a user, at the first of them."""

    target_index: Int64[np.ndarray, " users"]
    """Index of that target; the ratings before it are the history."""
    queries: list[RankingQuery]
    """History and time of each user."""
    watched: list[Int64[np.ndarray, " _"]]
    """Movies of each user's test targets."""
    stars: list[Float[np.ndarray, " _"]]
    """The user's ratings of these."""
    liked: list[Int64[np.ndarray, " _"]]
    """Those of them that the user rated with ``LIKED_STARS`` or more; may be empty."""
    held_out: Int64[np.ndarray, " held_out"]
    """Movies that the split holds out, which alone are ranked; without any, all movies are ranked."""

    def candidates(self, user: int, n_movies: int) -> Bool[np.ndarray, " movies"]:
        """Return a mask of the movies that are ranked for a user: those outside of the history."""
        candidates = np.full(n_movies, not len(self.held_out))
        candidates[self.held_out] = True
        candidates[self.queries[user].history] = False
        return candidates


@dataclass(frozen=True)
class UserRankings:
    """Metrics and lists of one order of the movies, by user."""

    watched: Float[np.ndarray, "users metrics"]
    """``METRICS`` of the watched movies."""
    liked: Float[np.ndarray, "users metrics"]
    """``METRICS`` of the liked movies; NaN for users without any."""
    lists: Int64[np.ndarray, "users length"]
    """The first ``LIST_LENGTH`` movies; −1 behind the end."""


def build_queries(
    histories: UserHistories, part: Literal["val", "test"], max_users: int, rng: np.random.Generator
) -> RankingQueries:
    """Build a query for each of a sample of users.

    Args:
        histories: ratings of all users.
        part: the validation or the test targets. If the split holds out movies, they alone are ranked.
        max_users: number of users with targets that are sampled, or all there are if fewer.
        rng: samples the users.
    """
    targets = histories.val if part == "val" else histories.test
    held_out = histories.val_movies if part == "val" else histories.test_movies
    target_user = histories.users_of(targets)
    users = subsample(np.unique(target_user), max_users, rng)
    start = np.searchsorted(target_user, users, side="left")
    end = np.searchsorted(target_user, users, side="right")
    by_user = [targets[low:high] for low, high in zip(start, end, strict=True)]
    first = targets[start]
    queries = [
        RankingQuery(histories.movie_row[low:high].astype(np.int64), int(time))
        for low, high, time in zip(
            histories.offsets[users], histories.history_end(first), histories.timestamp[first], strict=True
        )
    ]
    watched = [histories.movie_row[index].astype(np.int64) for index in by_user]
    stars = [star_ratings(histories, index) for index in by_user]
    liked = [movies[ratings >= LIKED_STARS] for movies, ratings in zip(watched, stars, strict=True)]
    return RankingQueries(first, queries, watched, stars, liked, held_out)


def item_means(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], n_movies: int
) -> Float[np.ndarray, " movies"]:
    """Return the damped mean rating of each movie, in half stars, of the ratings before ``fit_end``."""
    is_fitted = histories.mask_before(fit_end)
    movie = histories.movie_row[is_fitted]
    code = histories.half_star_code[is_fitted].astype(np.float64)
    count = np.bincount(movie, minlength=n_movies)
    return (np.bincount(movie, code, n_movies) + DAMPING * code.mean()) / (count + DAMPING)


def ranker_scores(ranker: Ranker, queries: RankingQueries) -> Iterable[Scores]:
    """Yield the scores of all movies for each user."""
    return (ranker.score(query) for query in queries.queries)


def rater_orders(
    rater: Rater,
    targets: IsolatedTargets,
    served: Sequence[Scores],
    count: Int64[np.ndarray, " movies"],
) -> dict[str, list[Float32[np.ndarray, " movies"]]]:
    """Return the order by predicted stars, and that of recommendations if the rater has probabilities.

    Args:
        rater: predicts all movies for each user, as in a list: what the user thinks of them some day.
        targets: one target for each user.
        served: scores of the ranker that orders recommendations, for each user.
        count: fitted ratings of each movie.
    """

    def score_users(users: Int64[np.ndarray, " users"]) -> list[tuple[Scores, ...]]:
        scores = rater.score(targets, targets.train_end, targets.test[users], some_day=True)
        pairs = zip(users, scores, strict=True)
        return [_orders(rated.prediction, served[user], count) for user, rated in pairs]

    starts = range(0, len(served), USERS_PER_THREAD)
    parts = parallel_map(score_users, np.split(np.arange(len(served)), starts[1:]))
    by_user = [orders for part in parts for orders in part]
    columns = [list(column) for column in zip(*by_user, strict=True)]
    return dict(zip(("rater", "recommended"), columns, strict=False))


def _orders(
    prediction: Prediction, served: Scores, count: Int64[np.ndarray, " movies"]
) -> tuple[Float32[np.ndarray, " movies"], ...]:
    stars = prediction.stars.astype(np.float32)
    if prediction.probabilities is None:
        return (stars,)
    return stars, watched_and_liked(served, prediction.probabilities, count).astype(np.float32)


def rank_movies(queries: RankingQueries, scores: Iterable[Scores]) -> UserRankings:
    """Rank the candidates outside of each user's history.

    Args:
        queries: users and their movies.
        scores: of all movies for each user, or for more users.
    """
    watched = np.full((len(queries.queries), len(METRICS)), np.nan)
    liked = np.full_like(watched, np.nan)
    lists = np.full((len(watched), LIST_LENGTH), -1, np.int64)
    for i, user_scores in enumerate(islice(scores, len(watched))):
        candidates = queries.candidates(i, len(user_scores))
        watched[i] = rank_metrics(user_scores, candidates, queries.watched[i])
        if len(queries.liked[i]):
            liked[i] = rank_metrics(user_scores, candidates, queries.liked[i])
        best = first_movies(user_scores, candidates)
        lists[i, : len(best)] = best
    return UserRankings(watched, liked, lists)


def first_movies(scores: Scores, candidates: Bool[np.ndarray, " movies"]) -> Int64[np.ndarray, " first"]:
    """Return the rows of the ``LIST_LENGTH`` candidates with the highest scores, the highest first."""
    rows = np.flatnonzero(candidates)
    if not len(rows):
        return rows
    ascending = -scores[rows].astype(np.float64)
    last = min(LIST_LENGTH, len(rows)) - 1
    first = np.flatnonzero(ascending <= np.partition(ascending, last)[last])
    return rows[first[np.argsort(ascending[first], kind="stable")]][: last + 1]


def rank_metrics(
    scores: Scores, candidates: Bool[np.ndarray, " movies"], relevant: Int64[np.ndarray, " relevant"]
) -> Float[np.ndarray, " metrics"]:
    """Return ``METRICS``: NDCG@10 (Järvelin & Kekäläinen 2002), recall@20, hit rate@10, reciprocal rank.

    Relevance is binary. Movies with equal scores share their mean rank.

    Args:
        scores: of all movies.
        candidates: mask of the ranked movies.
        relevant: rows of the relevant movies, all of them candidates.
    """
    rank = ranks(scores[candidates], scores[relevant])
    dcg = np.where(rank <= NDCG_CUTOFF, 1 / np.log2(rank + 1), 0).sum()
    ideal_dcg = (1 / np.log2(np.arange(2, min(len(relevant), NDCG_CUTOFF) + 2))).sum()
    return np.array(
        [dcg / ideal_dcg, (rank <= LIST_LENGTH).mean(), (rank <= NDCG_CUTOFF).any(), (1 / rank).max()]
    )


def user_columns(
    histories: UserHistories, queries: RankingQueries, rankings: UserRankings, n_movies: int
) -> dict[str, np.ndarray]:
    """Return user, number of relevant movies and of candidates, NDCG@10 and recall@20 of each user."""
    return {
        "user": histories.user_id[histories.users_of(queries.target_index)],
        "n_relevant": np.array([len(movies) for movies in queries.watched], np.int64),
        "n_candidates": np.array(
            [queries.candidates(user, n_movies).sum() for user in range(len(queries.queries))], np.int64
        ),
        "ndcg_10": rankings.watched[:, 0],
        "recall_20": rankings.watched[:, 1],
    }


def ranking_metrics(
    models: Mapping[str, UserRankings], reference: str, count: Int64[np.ndarray, " movies"], seed: int
) -> dict[str, dict[str, int | float]]:
    """Return the metrics of each model: means over the users with 95 % intervals.

    Metrics of the liked movies have the prefix ``liked_``. Every model but the reference also gets the paired
    interval of the reference's NDCG@10 and recall@20 minus its own.

    Args:
        models: rankings of the same users.
        reference: one of the models.
        count: fitted ratings of each movie.
        seed: seed of the bootstrap.
    """
    rows: dict[str, dict[str, int | float]] = {}
    n_users = len(models[reference].watched)
    has_liked = np.isfinite(models[reference].liked[:, 0])
    parts = {"": np.ones(n_users, bool)}
    if has_liked.any():
        parts["liked_"] = has_liked
    for name, rankings in models.items():
        rows[name] = {"n_users": n_users, "n_liked_users": int(has_liked.sum())}
        for prefix, users in parts.items():
            values = rankings.liked if prefix else rankings.watched
            other = models[reference].liked if prefix else models[reference].watched
            rows[name] |= _interval_columns(prefix, values[users], other[users], name != reference, seed)
        rows[name] |= list_metrics(rankings.lists, count)
    return rows


def _interval_columns(
    prefix: str,
    values: Float[np.ndarray, "users metrics"],
    reference: Float[np.ndarray, "users metrics"],
    is_compared: bool,
    seed: int,
) -> dict[str, float]:
    """Return the mean of each metric, and the intervals of ``COMPARED_METRICS``."""
    users = Clusters(np.arange(len(values)))
    resampled = bootstrap_means(users, np.concatenate([values, reference - values], axis=1), seed)
    columns: dict[str, float] = {}
    for j, metric in enumerate(METRICS):
        name = prefix + metric
        columns[name] = float(values[:, j].mean())
        if metric in COMPARED_METRICS:
            columns |= interval_columns({name: resampled[:, j]})
        if metric in COMPARED_METRICS and is_compared:
            columns |= interval_columns({f"{name}_diff": resampled[:, len(METRICS) + j]})
    return columns


def headline_metrics(
    models: Mapping[str, Mapping[str, int | float]], reference: str
) -> dict[str, int | float]:
    """Return the content of metrics/ranking.json: metrics of the ranker, and NDCG@10 by popularity.

    Args:
        models: as ``ranking_metrics`` returns them.
        reference: the ranker.
    """
    rounded = round_figures(models)
    names = ("ndcg_10", "recall_20", "mrr", "liked_ndcg_10")
    headline = {name: rounded[reference][name] for name in names if name in rounded[reference]}
    if "popularity" in rounded:
        headline["popularity"] = rounded["popularity"]["ndcg_10"]
    return headline
