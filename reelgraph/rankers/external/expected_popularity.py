"""Peer: movies by their number of ratings; that of a movie without ratings is predicted from its content."""

from __future__ import annotations

import numpy as np

from reelgraph.params.base import Section
from reelgraph.rankers.content import fit_features
from reelgraph.rankers.popularity import PopularityRanker
from reelgraph.rankers.popularity import restore as restore
from reelgraph.rankers.ranker import RankerInputs


class Params(Section):
    """Parameters of the ranker: none."""


def fit(inputs: RankerInputs, params: Params) -> PopularityRanker:
    """Count the ratings of each movie, or predict their number as ``content`` does."""
    ratings = inputs.ratings
    count = np.bincount(ratings.movie_row, minlength=ratings.n_movies)
    expected = np.expm1(fit_features(ratings, inputs.content).log_count)
    return PopularityRanker(np.where(count, count, expected).astype(np.float32))
