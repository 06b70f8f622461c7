"""What the predictions recommend: where each user's held-out high ratings come among all movies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from reelgraph.core.rating_scale import STAR_STEP
from reelgraph.core.seeds import subsample
from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval
from reelgraph.sequences.dataset import UserHistories

HIGH = 4.0
"""Stars from which on a rating is a recommendation that came true."""
NDCG_AT, RECALL_AT = 10, 20
DAMPING = 5.0
"""Ratings that the mean of all is worth beside a movie's own."""
Scores = Float[np.ndarray, " movies"]


@dataclass(frozen=True)
class RankingQueries:
    """Users with high test ratings; each is asked about once, at the first of their test targets."""

    target_index: Int64[np.ndarray, " users"]
    """Index of that target: what comes before it is the history."""
    relevant: list[Int64[np.ndarray, " _"]]
    """Movies that each user rated high among the test targets."""
    candidate_mask: Bool[np.ndarray, "users movies"]
    """Movies that are not in the user's history."""


def select_users(
    histories: UserHistories, movies: int, most: int, draw: np.random.Generator
) -> RankingQueries:
    """Choose users with a high test rating at random, ``most`` of them or all there are.

    Args:
        histories: ratings and test targets.
        movies: number of movies.
        most: users at most.
        draw: of the users.
    """
    user = histories.users_of(histories.test)
    high = histories.test[histories.half_star_code[histories.test] >= HIGH / STAR_STEP]
    users = subsample(np.unique(histories.users_of(high)), most, draw)
    place = histories.test[np.searchsorted(user, users)]
    wanted = [histories.movie_row[high[histories.users_of(high) == u]].astype(np.int64) for u in users]
    unseen = np.ones((len(users), movies), bool)
    for row, u, end in zip(unseen, users, histories.history_end(place), strict=True):
        row[histories.movie_row[histories.offsets[u] : end]] = False
    return RankingQueries(place, wanted, unseen)


def non_personalized_scores(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], movies: int
) -> dict[str, Scores]:
    """Return scores that are the same for everybody: ratings of a movie, and their damped mean.

    Args:
        histories: everybody's ratings.
        fit_end: ratings before it count, a user.
        movies: number of movies.
    """
    taken = histories.mask_before(fit_end)
    movie, code = histories.movie_row[taken], histories.half_star_code[taken].astype(np.float64)
    count = np.bincount(movie, minlength=movies).astype(np.float64)
    mean = (np.bincount(movie, code, movies) + DAMPING * code.mean()) / (count + DAMPING)
    return {"popularity": count, "item_mean": mean}


def ranking_metrics(
    asked: RankingQueries, models: Mapping[str, Iterable[Scores]], seed: int
) -> dict[str, dict[str, int | float]]:
    """Return NDCG@10 and recall@20 of each model, means over the users with 95 % intervals.

    Relevance is 1 for a high test rating, else 0. A movie's rank is one more than the number of open movies
    with higher scores; equal ones count half. For every model but ``rater`` the paired interval of the
    rater's figure minus its own stands beside it.

    Args:
        asked: users and what they want; of none there is nothing to say.
        models: scores of all movies for each of the users, or more; those of ``rater`` among them.
        seed: of the bootstrap.
    """
    if not len(asked.target_index):
        return {}
    each = np.stack([_figures(asked, scores) for scores in models.values()], axis=1)
    users = len(asked.target_index)
    drawn = bootstrap_means(np.arange(users), each.reshape(users, -1), seed).reshape(-1, *each.shape[1:])
    rater = list(models).index("rater")
    found: dict[str, dict[str, int | float]] = {}
    for i, name in enumerate(models):
        found[name] = {"n_users": users}
        for j, figure in enumerate((f"ndcg_{NDCG_AT}", f"recall_{RECALL_AT}")):
            low, high = percentile_interval(drawn[:, i, j])
            found[name] |= {
                figure: float(each[:, i, j].mean()),
                f"{figure}_ci_low": low,
                f"{figure}_ci_high": high,
            }
            if name != "rater":
                low, high = percentile_interval(drawn[:, rater, j] - drawn[:, i, j])
                found[name] |= {f"{figure}_diff_ci_low": low, f"{figure}_diff_ci_high": high}
    return found


def _figures(asked: RankingQueries, scores: Iterable[Scores]) -> Float[np.ndarray, "users 2"]:
    """Return NDCG@10 (Järvelin & Kekäläinen 2002, binary gains) and recall@20 of each user."""
    found = []
    for score, wanted, unseen in zip(scores, asked.relevant, asked.candidate_mask, strict=False):
        rank = ranks(score[unseen], score[wanted])
        gain = np.where(rank <= NDCG_AT, 1 / np.log2(rank + 1), 0).sum()
        ideal = (1 / np.log2(np.arange(2, min(len(wanted), NDCG_AT) + 2))).sum()
        found.append([gain / ideal, (rank <= RECALL_AT).mean()])
    return np.array(found)


def ranks(
    scores: Float[np.ndarray, " open"], of: Float[np.ndarray, " wanted"]
) -> Float[np.ndarray, " wanted"]:
    """Return the rank from 1 of each wanted score among all, itself one of them; ties count half."""
    ordered = np.sort(scores)
    above = len(ordered) - np.searchsorted(ordered, of, side="right")
    equal = np.searchsorted(ordered, of, side="right") - np.searchsorted(ordered, of, side="left") - 1
    return 1 + above + equal / 2
