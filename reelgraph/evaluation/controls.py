"""What a prediction rests on: the same targets with something hidden, and what that costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt8

from reelgraph.core.rating_scale import N_CODES
from reelgraph.core.seeds import derive, generator
from reelgraph.evaluation.intervals import interval, resampled_means
from reelgraph.raters.rater import Rater
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.cases import Cases, apart
from reelgraph.sequences.drawing import some
from reelgraph.sequences.ratings import stars

MOST_TARGETS = 20_000
"""Of more, some are drawn: their interval is narrow, and each control predicts all of them anew."""

Stars = Float[np.ndarray, " targets"]
Ends = Int64[np.ndarray, " users"]
Index = Int64[np.ndarray, " targets"]


def controls(
    rater: Rater, histories: Histories, fit_end: Ends, index: Index, movies: int, seed: int
) -> dict[str, dict[str, float]]:
    """Return for each control its RMSE, and what it costs: its RMSE minus the rater's with everything.

    Args:
        rater: fitted on each user's ratings before ``fit_end``.
        histories: everybody's ratings.
        fit_end: end of the rows that the rater was fitted on, a user.
        index: the targets; of more than ``MOST_TARGETS``, that many are drawn.
        movies: number of movies.
        seed: root seed, of the draw, of the shuffling and of the bootstrap.

    Returns:
        ``rmse``, ``cost`` and its paired 95 % interval over users, in stars.
    """
    index = some(index, MOST_TARGETS, generator(seed, "controls/targets"))
    cases = apart(histories, fit_end, index)
    plain = rater.predict(histories, fit_end, index).stars
    hidden = {
        "history_shuffled": _said(rater, shuffled(cases, generator(seed, "controls"))),
        "ratings_hidden": _said(rater, without_ratings(cases, histories, fit_end)),
        "text_hidden": _said(rater.with_blanks(), without_text(cases, movies)),
    }
    off = np.stack([plain, *hidden.values()], axis=1) - stars(histories, index)[:, None]
    drawn = np.sqrt(resampled_means(histories.users_of(index), off**2, derive(seed, "bootstrap")))
    error = np.sqrt((off**2).mean(axis=0))
    found = {}
    for i, name in enumerate(hidden, start=1):
        low, high = interval(drawn[:, i] - drawn[:, 0])
        cost = {"cost": float(error[i] - error[0]), "cost_low": low, "cost_high": high}
        found[name] = {"rmse": float(error[i]), **cost}
    return found


def shuffled(cases: Cases, draw: np.random.Generator) -> Cases:
    """Hand each history's rated movies out anew to its times; the targets stay where they are."""
    key = draw.random(len(cases.code))
    key[cases.test] = 1.0
    # Keys of below a half between whole numbers: one sort, which takes a sixth of lexsort's time.
    order = np.argsort(cases.users_of(np.arange(len(key))) + key / 2, kind="stable")
    moved = {name: getattr(cases, name)[order] for name in ("movie_row", "code", "fitted")}
    return replace(cases, **moved)


def without_ratings(cases: Cases, histories: Histories, fit_end: Ends) -> Cases:
    """Let everybody have rated as others do: with the rounded mean of the movie's other fitted rows.

    What was watched, and when, stays. A movie that nobody else rated gets the mean of all rows.
    """
    return replace(cases, code=np.where(cases.inner, _as_others(cases, histories, fit_end), cases.code))


def _as_others(cases: Cases, histories: Histories, fit_end: Ends) -> UInt8[np.ndarray, " ratings"]:
    taken = histories.before(fit_end)
    movie, code = histories.movie_row[taken], histories.code[taken].astype(np.float64)
    movies = int(histories.movie_row.max()) + 1
    total, count = np.bincount(movie, code, movies), np.bincount(movie, minlength=movies)
    rest = count[cases.movie_row] - cases.fitted
    mean = (total[cases.movie_row] - cases.fitted * cases.code) / np.maximum(rest, 1)
    return np.rint(np.where(rest > 0, mean, code.mean())).clip(1, N_CODES).astype(np.uint8)


def without_text(cases: Cases, movies: int) -> Cases:
    """Put in each target's place the movie that is the same without vectors; see ``Rater.with_blanks``."""
    blank = np.where(cases.inner, cases.movie_row, cases.movie_row + movies)
    return replace(cases, movie_row=blank.astype(np.int32))


def _said(rater: Rater, cases: Cases) -> Float64[np.ndarray, " targets"]:
    return rater.predict(cases, cases.train_end, cases.test).stars
