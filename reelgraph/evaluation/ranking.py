"""Ranking metrics: the ranks of each user's highly rated test movies among all candidates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from reelgraph.core.rating_scale import STAR_STEP
from reelgraph.core.schemas.reports import round_figures
from reelgraph.core.seeds import subsample
from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval
from reelgraph.sequences.dataset import UserHistories

RELEVANT_STARS = 4.0
"""Lowest rating of a relevant movie."""
NDCG_CUTOFF = 10
RECALL_CUTOFF = 20
DAMPING = 5.0
"""Ratings that the global mean counts as in a movie's damped mean."""
METRICS = (f"ndcg_{NDCG_CUTOFF}", f"recall_{RECALL_CUTOFF}")
Scores = Float[np.ndarray, " movies"]
UserMetrics = Float[np.ndarray, "users 2"]
"""``METRICS`` of each user."""


@dataclass(frozen=True)
class RankingQueries:
    """Users with relevant test movies; one query a user, at the first of their test targets."""

    target_index: Int64[np.ndarray, " users"]
    """Index of that target; the ratings before it are the history."""
    relevant: list[Int64[np.ndarray, " _"]]
    """Relevant movies of each user among the test targets."""
    candidate_mask: Bool[np.ndarray, "users movies"]
    """Movies that are not in the user's history."""


def select_users(
    histories: UserHistories, n_movies: int, max_users: int, rng: np.random.Generator
) -> RankingQueries:
    """Sample users with a relevant test movie.

    Args:
        histories: ratings and test targets.
        n_movies: number of movies.
        max_users: number of users, or all there are if fewer.
        rng: samples the users.
    """
    user = histories.users_of(histories.test)
    is_relevant = histories.half_star_code[histories.test] >= RELEVANT_STARS / STAR_STEP
    relevant_index = histories.test[is_relevant]
    relevant_user = histories.users_of(relevant_index)
    users = subsample(np.unique(relevant_user), max_users, rng)
    target_index = histories.test[np.searchsorted(user, users)]
    relevant = [histories.movie_row[relevant_index[relevant_user == u]].astype(np.int64) for u in users]
    candidate_mask = np.ones((len(users), n_movies), bool)
    for row, u, end in zip(candidate_mask, users, histories.history_end(target_index), strict=True):
        row[histories.movie_row[histories.offsets[u] : end]] = False
    return RankingQueries(target_index, relevant, candidate_mask)


def non_personalized_scores(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], n_movies: int
) -> dict[str, Scores]:
    """Return scores that are the same for all users: the number of ratings and the damped mean rating.

    Args:
        histories: ratings of all users.
        fit_end: end of the ratings that count, a user.
        n_movies: number of movies.
    """
    is_fitted = histories.mask_before(fit_end)
    movie = histories.movie_row[is_fitted]
    code = histories.half_star_code[is_fitted].astype(np.float64)
    count = np.bincount(movie, minlength=n_movies).astype(np.float64)
    mean = (np.bincount(movie, code, n_movies) + DAMPING * code.mean()) / (count + DAMPING)
    return {"popularity": count, "item_mean": mean}


def user_metrics(queries: RankingQueries, scores: Iterable[Scores]) -> UserMetrics:
    """Return NDCG@10 (Järvelin & Kekäläinen 2002, binary gains) and recall@20 of each user.

    Relevance is binary. A movie's rank is one more than the number of candidates with higher scores; ties
    count half.

    Args:
        queries: users and their relevant movies.
        scores: of all movies for each user, or for more users.
    """
    metrics = []
    for user_scores, relevant, mask in zip(scores, queries.relevant, queries.candidate_mask, strict=False):
        rank = ranks(user_scores[mask], user_scores[relevant])
        dcg = np.where(rank <= NDCG_CUTOFF, 1 / np.log2(rank + 1), 0).sum()
        ideal_dcg = (1 / np.log2(np.arange(2, min(len(relevant), NDCG_CUTOFF) + 2))).sum()
        metrics.append([dcg / ideal_dcg, (rank <= RECALL_CUTOFF).mean()])
    return np.array(metrics).reshape(-1, len(METRICS))


def user_columns(
    histories: UserHistories, queries: RankingQueries, metrics: UserMetrics
) -> dict[str, np.ndarray]:
    """Return user, number of relevant movies and of candidates, NDCG@10 and recall@20 of each user."""
    return {
        "user": histories.user_id[histories.users_of(queries.target_index)],
        "n_relevant": np.array([len(movies) for movies in queries.relevant], np.int64),
        "n_candidates": queries.candidate_mask.sum(axis=1),
        **dict(zip(METRICS, metrics.T, strict=True)),
    }


def ranking_metrics(models: Mapping[str, UserMetrics], seed: int) -> dict[str, dict[str, int | float]]:
    """Return NDCG@10 and recall@20 of each model: means over the users with 95 % intervals.

    Every model but ``rater`` also gets the paired interval of the rater's metric minus its own.

    Args:
        models: metrics of the same users, among them those of ``rater``; without users the result is empty.
        seed: seed of the bootstrap.
    """
    values = np.stack(list(models.values()), axis=1)
    n_users = len(values)
    if not n_users:
        return {}
    resampled = bootstrap_means(np.arange(n_users), values.reshape(n_users, -1), seed)
    resampled = resampled.reshape(-1, *values.shape[1:])
    rater = list(models).index("rater")
    metrics: dict[str, dict[str, int | float]] = {}
    for i, name in enumerate(models):
        row: dict[str, int | float] = {"n_users": n_users}
        for j, metric in enumerate(METRICS):
            low, high = percentile_interval(resampled[:, i, j])
            row[metric] = float(values[:, i, j].mean())
            row[f"{metric}_low"] = low
            row[f"{metric}_high"] = high
            if name != "rater":
                low, high = percentile_interval(resampled[:, rater, j] - resampled[:, i, j])
                row[f"{metric}_diff_low"] = low
                row[f"{metric}_diff_high"] = high
        metrics[name] = row
    return metrics


def headline_metrics(models: Mapping[str, Mapping[str, int | float]]) -> dict[str, int | float]:
    """Return the content of metrics/ranking.json: the rater's metrics, and NDCG@10 by popularity.

    Args:
        models: as ``ranking_metrics`` returns them.
    """
    if not models:
        return {}
    rounded = round_figures(models)
    return {
        "ndcg_10": rounded["rater"]["ndcg_10"],
        "recall_20": rounded["rater"]["recall_20"],
        "popularity": rounded["popularity"]["ndcg_10"],
    }


def ranks(
    candidates: Float[np.ndarray, " candidates"], relevant: Float[np.ndarray, " relevant"]
) -> Float[np.ndarray, " relevant"]:
    """Return the rank from 1 of each relevant score among the candidates' scores; ties count half."""
    ordered = np.sort(candidates)
    n_not_above = np.searchsorted(ordered, relevant, side="right")
    n_above = len(ordered) - n_not_above
    n_equal = n_not_above - np.searchsorted(ordered, relevant, side="left") - 1
    return 1 + n_above + n_equal / 2
