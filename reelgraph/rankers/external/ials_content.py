"""Peer: iALS that factorises the movies' content with the same factors, by cmfrec (Cortes 2018).

So content gives a movie without ratings its factors. The content are principal components of the
regressors of ``content``.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64
from pydantic import Field
from scipy.sparse.linalg import svds

from reelgraph.rankers.content import build_regressors
from reelgraph.rankers.external import ials
from reelgraph.rankers.external.ials import restore as restore
from reelgraph.rankers.ranker import MovieContent, RankerInputs


class Params(ials.Params):
    """Parameters of the ranker."""

    content_weight: float = Field(gt=0)
    """Weight of the squared errors of the content against those of who watched what, above 0."""

    components: int = Field(ge=1, le=1024)
    """Components of the content, 1 to 1024."""


def fit(inputs: RankerInputs, params: Params) -> ials.IalsRanker:
    """Fit the factors; cmfrec must be installed."""
    components = principal_components(inputs.content, params.components)
    return ials.fit_factors(inputs, params, components, params.content_weight)


def principal_components(content: MovieContent, n: int) -> Float64[np.ndarray, "movies components"]:
    """Return the singular vectors of entities, years and texts, times the singular values."""
    matrix = sp.hstack(build_regressors(content)).astype(np.float64).tocsr()
    n = min(n, min(matrix.shape) - 1)
    left, singular_values, _ = svds(matrix, k=n, v0=np.ones(min(matrix.shape)))
    return left * singular_values
