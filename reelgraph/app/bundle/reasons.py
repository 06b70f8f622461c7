"""Reasons of a prediction: ratings of the user that add to it, of movies that share something with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.results import Reason, WatchedMovie
from reelgraph.raters.rater import Attributions

MAX_REASONS = 3
MAX_COUNTER_REASONS = 1
MIN_CONTRIBUTION = 0.005
"""Stars of the smallest reason, which are printed as 0.01."""
MAX_SHARED = 4
AUDIENCE_QUANTILE = 0.95
"""The audiences of two movies are alike if their similarity is above this quantile of all movies'."""

MAX_WATCHED = 2
MIN_LOG_ODDS = 0.1
"""Smallest contribution of a watched movie: it raises the odds by a tenth."""

MovieVectors = Float32[np.ndarray, "movies dim"]


def select_reasons(
    catalog: MovieCatalog,
    vectors: MovieVectors | None,
    stars: Mapping[int, float],
    target: int,
    history: Int64[np.ndarray, " rated"],
    attribution: Attributions,
    earlier: Mapping[int, int],
) -> tuple[Reason, ...]:
    """Return the reasons by descending weight, and after them the counter-reasons.

    The weight is the contribution over 1 + n, if n movies above in the same list have this reason. So a list
    does not repeat the user's favourite movie.

    A reason is a rating at or above the user's mean that adds to the prediction. A counter-reason is one
    below the mean that takes from it, at least as much as the last reason adds. Both share a person, two
    genres or the audience with the movie.

    Args:
        catalog: the movies.
        vectors: of the rater's ``movie_vectors``; None: no audiences are known.
        stars: the user's ratings by row.
        target: row of the predicted movie.
        history: rows of the movies that the attribution indexes.
        attribution: what each rating adds to the prediction.
        earlier: number of movies above in the list, by the movieId of their reasons; empty for one movie.
    """
    if not len(attribution.rating):
        return ()
    rows = history[attribution.rating]
    contribution = attribution.contribution
    deviation = _deviation(stars, rows)
    same_audience = _has_same_audience(catalog, vectors, target, rows)
    people = catalog.people(target)
    genres = catalog.genre_lists[target]
    shared = [_shared_names(catalog, int(row), people, genres) for row in rows]
    is_alike = same_audience | np.array([len(names) > 0 or len(kinds) > 1 for names, kinds in shared])
    adds = np.flatnonzero(is_alike & (deviation >= 0) & (contribution >= MIN_CONTRIBUTION))
    takes = np.flatnonzero(is_alike & (deviation < 0) & (contribution <= -MIN_CONTRIBUTION))
    times = np.array([earlier.get(int(movie_id), 0) for movie_id in catalog.movie_ids[rows]])
    weight = contribution / (1 + times)
    reasons = adds[np.argsort(-weight[adds], kind="stable")][:MAX_REASONS]
    least = contribution[reasons].min() if len(reasons) else 0.0
    counter_reasons = takes[np.argsort(contribution[takes], kind="stable")][:MAX_COUNTER_REASONS]
    selected = [*reasons, *(index for index in counter_reasons if -contribution[index] >= least)]
    return tuple(
        Reason(
            movie_id=int(catalog.movie_ids[rows[index]]),
            title=catalog.label(int(rows[index])),
            stars=stars[int(rows[index])],
            contribution=float(contribution[index]),
            shared=tuple([*shared[index][0], *shared[index][1]][:MAX_SHARED]),
            same_audience=bool(same_audience[index]),
        )
        for index in selected
    )


def select_watched(
    catalog: MovieCatalog,
    stars: Mapping[int, float],
    history: Int64[np.ndarray, " history"],
    contributions: Float[np.ndarray, "movies history"],
) -> list[tuple[WatchedMovie, ...]]:
    """Return for each movie of a list those of the history that add most to its score by the ranker.

    They are rated at or above the user's mean. Their weights vary as those of ``select_reasons``.

    Args:
        catalog: the movies.
        stars: the user's ratings by row.
        history: rows of the movies in the history.
        contributions: what each of them adds to the scores, as ``Ranker.contributions`` returns it.
    """
    is_liked = _deviation(stars, history) >= 0
    times = np.zeros(len(history))
    watched = []
    for contribution in contributions:
        adds = np.flatnonzero(is_liked & (contribution >= MIN_LOG_ODDS))
        weight = contribution[adds] / (1 + times[adds])
        selected = adds[np.argsort(-weight, kind="stable")][:MAX_WATCHED]
        times[selected] += 1
        movies = [
            WatchedMovie(
                movie_id=int(catalog.movie_ids[history[index]]),
                title=catalog.label(int(history[index])),
                log_odds=float(contribution[index]),
            )
            for index in selected
        ]
        watched.append(tuple(movies))
    return watched


def _shared_names(
    catalog: MovieCatalog, row: int, people: Sequence[str], genres: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the people and the genres of a movie that are among these."""
    shared_people = [name for name in catalog.people(row) if name in people]
    return shared_people, [name for name in catalog.genre_lists[row] if name in genres]


def _deviation(stars: Mapping[int, float], rows: Int64[np.ndarray, " rated"]) -> Float[np.ndarray, " rated"]:
    """Return the ratings of these movies minus the user's mean rating."""
    return np.array([stars[int(row)] for row in rows]) - np.mean(list(stars.values()))


def _has_same_audience(
    catalog: MovieCatalog, vectors: MovieVectors | None, target: int, rows: Int64[np.ndarray, " history"]
) -> Bool[np.ndarray, " history"]:
    """Return which movies' audiences are like that of a movie; a movie without ratings has none."""
    counts = catalog.rating_counts
    if vectors is None or not counts[target]:
        return np.zeros(len(rows), bool)
    similarity = vectors @ vectors[target]
    return (similarity[rows] >= np.quantile(similarity, AUDIENCE_QUANTILE)) & (counts[rows] > 0)
