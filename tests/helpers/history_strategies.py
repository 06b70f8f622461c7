"""Random histories for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.splits import Split, global_time, leave_last_out, predefined

SPLITS = ("leave_last_out", "global_time", "given")


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
    order = np.lexsort((time, test & (split == "given"), user))
    return UserHistories(
        user_id=np.sort(draw.choice(10 * users, users, replace=False)).astype(np.int64),
        offsets=offsets,
        movie_row=draw.integers(0, movies, total).astype(np.int32),
        half_star_code=draw.integers(1, 11, total).astype(np.uint8),
        timestamp=time[order],
        **_split(split, offsets, time[order], test[order])._asdict(),
    )


def _split(name: str, offsets: np.ndarray, time: np.ndarray, test: np.ndarray) -> Split:
    if name == "given":
        return predefined(offsets, 10, 0, test)
    if name == "global_time":
        return global_time(offsets, 2, 0, time, 0.2, 0.2)
    return leave_last_out(offsets, 10, 0, 1)


def irrelevant_rows(h: UserHistories, target: int) -> np.ndarray:
    """Tell of each rating whether it lies outside the training rows and the target's history."""
    index = np.array([target])
    place, start = np.arange(len(h.half_star_code)), h.offsets[h.users_of(index)]
    return ~h.mask_before(h.fit_end("train")) & ~((place >= start) & (place < h.history_end(index)))


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
