"""What a prediction rests on: the same targets with something hidden, and what that costs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64, Int64, UInt8

from reelgraph.core.rating_scale import N_CODES
from reelgraph.core.seeds import derive_seed, generator, subsample
from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval
from reelgraph.raters.rater import Rater
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sequences.isolated_targets import IsolatedTargets, isolate_targets

MOST_TARGETS = 20_000
"""Of more, some are drawn: their interval is narrow, and each control predicts all of them anew."""

Stars = Float[np.ndarray, " targets"]
Ends = Int64[np.ndarray, " users"]
Index = Int64[np.ndarray, " targets"]


def perturbation_tests(
    rater: Rater, histories: UserHistories, fit_end: Ends, index: Index, seed: int
) -> dict[str, dict[str, float]]:
    """Return for each control its RMSE, and what it costs: its RMSE minus the rater's with everything.

    Args:
        rater: fitted on each user's ratings before ``fit_end``.
        histories: everybody's ratings.
        fit_end: end of the rows that the rater was fitted on, a user.
        index: the targets; of more than ``MOST_TARGETS``, that many are drawn.
        seed: root seed, of the draw, of the shuffling and of the bootstrap.

    Returns:
        ``rmse``, ``cost`` and its paired 95 % interval over users, in stars.
    """
    index = subsample(index, MOST_TARGETS, generator(seed, "controls/targets"))
    cases = isolate_targets(histories, fit_end, index)
    plain = rater.predict(histories, fit_end, index).stars
    hidden = {
        "history_shuffled": _said(rater, shuffled(cases, generator(seed, "controls"))),
        "ratings_hidden": _said(rater, without_ratings(cases, histories, fit_end)),
        "content_masked": _said(rater, cases, mask_content=True),
    }
    off = np.stack([plain, *hidden.values()], axis=1) - star_ratings(histories, index)[:, None]
    drawn = np.sqrt(bootstrap_means(histories.users_of(index), off**2, derive_seed(seed, "bootstrap")))
    error = np.sqrt((off**2).mean(axis=0))
    found = {}
    for i, name in enumerate(hidden, start=1):
        low, high = percentile_interval(drawn[:, i] - drawn[:, 0])
        cost = {
            "rmse_increase": float(error[i] - error[0]),
            "rmse_increase_ci_low": low,
            "rmse_increase_ci_high": high,
        }
        found[name] = {"rmse": float(error[i]), **cost}
    return found


def shuffled(cases: IsolatedTargets, draw: np.random.Generator) -> IsolatedTargets:
    """Hand each history's rated movies out anew to its times; the targets stay where they are."""
    key = draw.random(len(cases.half_star_code))
    key[cases.test] = 1.0
    # Keys of below a half between whole numbers: one sort, which takes a sixth of lexsort's time.
    order = np.argsort(cases.users_of(np.arange(len(key))) + key / 2, kind="stable")
    moved = {name: getattr(cases, name)[order] for name in ("movie_row", "half_star_code", "fitted")}
    return replace(cases, **moved)


def without_ratings(cases: IsolatedTargets, histories: UserHistories, fit_end: Ends) -> IsolatedTargets:
    """Let everybody have rated as others do: with the rounded mean of the movie's other fitted rows.

    What was watched, and when, stays. A movie that nobody else rated gets the mean of all rows.
    """
    return replace(
        cases,
        half_star_code=np.where(
            cases.is_history, _as_others(cases, histories, fit_end), cases.half_star_code
        ),
    )


def _as_others(
    cases: IsolatedTargets, histories: UserHistories, fit_end: Ends
) -> UInt8[np.ndarray, " ratings"]:
    taken = histories.mask_before(fit_end)
    movie, code = histories.movie_row[taken], histories.half_star_code[taken].astype(np.float64)
    movies = int(histories.movie_row.max()) + 1
    total, count = np.bincount(movie, code, movies), np.bincount(movie, minlength=movies)
    rest = count[cases.movie_row] - cases.fitted
    mean = (total[cases.movie_row] - cases.fitted * cases.half_star_code) / np.maximum(rest, 1)
    return np.rint(np.where(rest > 0, mean, code.mean())).clip(1, N_CODES).astype(np.uint8)


def _said(
    rater: Rater, cases: IsolatedTargets, mask_content: bool = False
) -> Float64[np.ndarray, " targets"]:
    return rater.predict(cases, cases.train_end, cases.test, mask_content).stars
