"""Random histories for property tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from reelgraph.sequences.dataset import Fit, UserHistories
from reelgraph.sequences.movie_splits import cold_movies, draw_movies, new_movies
from reelgraph.sequences.splits import Split, global_time, leave_last_out, predefined

SPLITS = ("leave_last_out", "global_time", "given", "cold_movies", "new_movies")


def random_histories(
    seed: int, users: int, movies: int, longest: int, split: str = "leave_last_out"
) -> UserHistories:
    """Users with 13 to ``longest`` ratings, random movies, stars and times; of three or more in a given
    split the last has test ratings only.
    """
    draw = np.random.default_rng(seed)
    lengths = draw.integers(13, longest + 1, users)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total, user = int(offsets[-1]), np.repeat(np.arange(users), lengths)
    time, test = draw.integers(0, 40 * total, total) * 60, draw.random(total) < 0.2
    test[offsets[-2] if users > 2 else -1 :], test[:12] = True, False
    if split == "new_movies":  # movies that are first rated at the same time would leave a part empty
        time = np.random.default_rng(seed).permutation(40 * total)[:total] * 60
    user_id = np.sort(draw.choice(10 * users, users, replace=False)).astype(np.int64)
    movie = draw.integers(0, movies, total).astype(np.int32)
    half_star_code = draw.integers(1, 11, total).astype(np.uint8)
    held_out = draw_movies(movie, 0.1, 0.2, 42)
    part = {"given": test, "cold_movies": held_out.parts(movie)}.get(split, np.zeros(total, bool))
    order = np.lexsort((time, part, user))
    if split == "cold_movies":
        movie = movie[order]
        made = cold_movies(offsets, 5, 0, part[order], held_out)
    else:
        made = _split(split, offsets, time[order], test[order], movie)
    return UserHistories(
        user_id=user_id,
        offsets=offsets,
        movie_row=movie,
        half_star_code=half_star_code,
        timestamp=time[order],
        **made._asdict(),
    )


def _split(name: str, offsets: np.ndarray, time: np.ndarray, test: np.ndarray, movie: np.ndarray) -> Split:
    if name == "given":
        return predefined(offsets, 10, 0, test)
    if name == "new_movies":
        return new_movies(offsets, 2, 0, time, movie, 0.1, 0.2)
    if name == "global_time":
        return global_time(offsets, 2, 0, time, 0.2, 0.2)
    return leave_last_out(offsets, 10, 0, 1)


def assert_unknown_ratings_do_not_matter(
    predict: Callable[[UserHistories, np.ndarray, np.ndarray], np.ndarray],
    h: UserHistories,
    rows: Fit,
    target: int,
    tolerance: float,
) -> None:
    """Change all ratings but the fitted ones and the target's history; the prediction must stay."""
    index, changed = np.array([target]), irrelevant_rows(h, target, rows)
    changed[target] = False
    other = with_changed_ratings(h, changed)
    other.half_star_code[target] = 11 - other.half_star_code[target]
    before, after = predict(h, h.fit_end(rows), index), predict(other, other.fit_end(rows), index)
    np.testing.assert_allclose(before, after, atol=tolerance)


def irrelevant_rows(h: UserHistories, target: int, rows: Fit = "train") -> np.ndarray:
    """Tell of each rating whether it lies outside the fitted rows and the target's history."""
    index = np.array([target])
    place, start = np.arange(len(h.half_star_code)), h.offsets[h.users_of(index)]
    return ~h.mask_before(h.fit_end(rows)) & ~((place >= start) & (place < h.history_end(index)))


def with_changed_ratings(h: UserHistories, rows: np.ndarray) -> UserHistories:
    """Change what was given in these rows, and to which movies."""
    code, movie = (
        np.where(rows, 11 - h.half_star_code, h.half_star_code),
        np.where(rows, h.movie_row[::-1], h.movie_row),
    )
    return UserHistories(**{**h.__dict__, "half_star_code": code.astype(np.uint8), "movie_row": movie})


def build_strategy(*splits: str) -> st.SearchStrategy[UserHistories]:
    """Random histories under one of the splits."""
    return st.builds(
        random_histories,
        st.integers(0, 2**32),
        st.integers(1, 12),
        st.just(40),
        st.integers(13, 50),
        st.sampled_from(splits),
    )


histories = build_strategy("leave_last_out")
any_histories = build_strategy(*SPLITS)
