"""External baseline: Bayesian factorization machine of user, movie, day, and the content of the movie.

The content is a relation block of myfm: genres, people, companies, decade and components of the text vectors.
Each is a group of features with a prior variance of its own.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.baselines.content import PEOPLE, MovieContent
from reelgraph.baselines.external import bayesian_fm
from reelgraph.sequences.dataset import UserHistories

READS_CONTENT = True

MIN_MOVIES = 2
"""Movies that an entity has at least: with one, it tells no more than the movie."""


class Params(bayesian_fm.Params):
    """Parameters of the machine, and of the text."""

    text_components: int = Field(ge=1, le=384)
    """Principal components of the text vectors, 1 to 384."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
    content: MovieContent,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    groups = [_shared_entities(content, entity_type) for entity_type in ("genre", *PEOPLE, "company")]
    groups += [csr_matrix(content.decades()), csr_matrix(_text_components(content, params.text_components))]
    # myfm refuses a group without a feature, such as the companies of a catalogue that has none.
    groups = [group for group in groups if group.shape[1]]
    return bayesian_fm.predict_with_fm(histories, fit_end, index, params, history=False, content=groups)


def _shared_entities(content: MovieContent, entity_type: str) -> csr_matrix:
    entities = content.graph.entity_matrix([entity_type])
    return entities[:, np.flatnonzero(np.asarray(entities.sum(axis=0)).ravel() >= MIN_MOVIES)]


def _text_components(content: MovieContent, count: int) -> Float64[np.ndarray, "movies components"]:
    """Return the first principal components, scaled so that a movie's have a mean square sum of 1."""
    vectors = content.unit_vectors("text")
    _, _, right = np.linalg.svd(vectors.T @ vectors)
    components = vectors @ right[:count].T
    return components / np.sqrt((components**2).sum(axis=1).mean())
