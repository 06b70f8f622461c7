"""External baseline: cmfrec's biased matrix factorisation with implicit features (Cortes 2018)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field
from scipy.sparse import coo_matrix

from reelgraph.baselines.registry import import_optional
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories, star_ratings


class Params(Section):
    """Parameters of the baseline."""

    factors: int = Field(ge=1, le=1024)
    """Dimensions, 1 to 1024."""

    l2: float = Field(gt=0)
    """Weight of the squared parameters, above 0."""

    implicit_weight: float = Field(gt=0)
    """Weight of who rated what relative to the ratings, above 0."""

    iterations: int = Field(ge=1)
    """Iterations of alternating least squares, 1 or more."""

    seed: Seed
    """Seed of the initial factors."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    rows = np.flatnonzero(histories.mask_before(fit_end))
    stars = star_ratings(histories, rows)
    movies = histories.movie_row[rows]
    shape = (len(histories.user_id), int(movies.max()) + 1)
    model = import_optional("cmfrec").CMF(
        k=params.factors, lambda_=params.l2, w_implicit=params.implicit_weight, niter=params.iterations,
        add_implicit_features=True, use_float=False, nthreads=1, random_state=params.seed, verbose=False,
    )  # fmt: skip
    model.fit(coo_matrix((stars, (histories.users_of(rows), movies)), shape))
    user = histories.users_of(index)
    movie = histories.movie_row[index]
    # cmfrec has factors up to the last fitted movie; movies after it get the mean.
    fitted_movie = np.minimum(movie, shape[1] - 1)
    prediction = np.where(movie < shape[1], model.predict(user, fitted_movie), stars.mean())
    return np.where(np.isfinite(prediction), prediction, stars.mean()).clip(MIN_STARS, MAX_STARS)
