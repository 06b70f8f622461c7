"""Movie vectors for each person that their own ratings have no part in.

A vector that was learned from a person's rating foretells that rating too well, and a process that
is learned on such vectors trusts them too much. So people are dealt into groups, and a group is
predicted with the vectors of the other groups' ratings. People who were not fitted on are predicted
with the vectors of everybody's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reelgraph.core.parallel import one_thread_each
from reelgraph.core.seeds import derive
from reelgraph.raters.gp.content import Content
from reelgraph.raters.gp.factorisation import factorise
from reelgraph.raters.gp.ratings import Ratings

FEWEST_GROUPS, MOST_GROUPS = 2, 10
RATINGS_TO_FIT = 5_000_000
"""In all groups together: of many ratings, half tell of a movie what can be told."""


class Tastes(NamedTuple):
    """One table a group of people, made without them; the last one of everybody's ratings."""

    vectors: Float[Tensor, "tables movies taste"]
    variance: Float[Tensor, "tables movies"]
    """Of a person's taste for the movie, that comes of not knowing its vector well; stars²."""


def fit_tastes(ratings: Ratings, content: Content, dim: int, seed: int) -> Tastes:
    """Factorise the ratings, without each group in turn and then as a whole."""
    groups = int(np.clip(RATINGS_TO_FIT // max(len(ratings.movie), 1), FEWEST_GROUPS, MOST_GROUPS))
    group, catalogue = table_of(ratings, groups + 1), content.matrix()

    def without(left_out: int) -> tuple[np.ndarray, np.ndarray]:
        rest = group != left_out
        return factorise(
            ratings.user[rest], ratings.movie[rest], ratings.stars[rest], catalogue, dim,
            derive(seed, f"gp/tastes/{left_out}"),
        )  # fmt: skip

    found = one_thread_each(without, reversed(range(groups + 1)))  # all of them first: they take longest
    vectors, variance = zip(*reversed(found), strict=True)
    return Tastes(*(torch.from_numpy(np.stack(each).astype(np.float32)) for each in (vectors, variance)))


def table_of(ratings: Ratings, tables: int) -> Int64[np.ndarray, " ratings"]:
    """Return the table that each rating's person is predicted with."""
    known = np.bincount(ratings.user, ratings.known, len(ratings.person)) > 0
    return np.where(known, ratings.person % (tables - 1), tables - 1)[ratings.user]
