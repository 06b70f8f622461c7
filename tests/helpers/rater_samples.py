"""Small params and movie inputs that every rater trains on in a second."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reelgraph.baselines.content import MovieContent
from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.rater import CandidateScores, MovieInputs, Prediction, Rater
from reelgraph.sequences.dataset import UserHistories

MOVIES = 40
DIM = 12


class RaterOfSomeDay(Rater):
    """Predicts each target's probabilities of all movies of some day; a test says which."""

    parameter_count = 0

    def probabilities(self, histories: UserHistories, target: int) -> np.ndarray:
        """Return the probabilities of the half stars for all movies."""
        raise NotImplementedError

    def score(
        self,
        histories: UserHistories,
        fit_end: np.ndarray,
        index: np.ndarray,
        movies: np.ndarray | None = None,
        some_day: bool = False,
    ) -> Iterator[CandidateScores]:
        assert some_day
        for row, target in enumerate(index):
            rows = slice(None) if movies is None else movies[row]
            probabilities = self.probabilities(histories, target)[rows]
            yield CandidateScores(Prediction(probabilities @ np.arange(0.5, 5.5, 0.5), probabilities))


def small_rater_params(rater_type: str, **model: object) -> TrainRaterParams:
    """Return the params of params.yaml with small sizes, two epochs and both fits."""
    params = load(TrainRaterParams).model_dump()
    params["model"] |= {"type": rater_type, "hidden_dim": 16} | model
    params["train"] |= {"epochs": 2}
    params["gp"] |= {
        "epochs": 2,
        "head_epochs": 2,
        "context_length": 24,
        "cooccurrence_dim": 4,
        "embedding_dim": 3,
    }
    params["evaluate"] |= {"fit": "train_val"}
    return TrainRaterParams.model_validate(params)


def small_movie_inputs() -> MovieInputs:
    """Return 40 movies of two genres; the last three have no entity and the last has no year."""
    rng = np.random.default_rng(0)
    vectors, text = (rng.normal(size=(MOVIES, DIM)).astype(np.float32) for _ in range(2))
    rows = np.arange(MOVIES - 3)
    genre = Relation(("Crime", "Drama"), np.ones((2, 3), np.float32), rows, rows % 2)
    actor = Relation(
        tuple("ABCDEFG"),
        np.ones((7, 3), np.float32),
        np.repeat(rows, 2),
        np.stack([rows % 3, 3 + rows % 4], 1).ravel(),
    )
    graph = KnowledgeGraph(np.arange(MOVIES) + 100, {"actor": actor, "genre": genre})
    return MovieInputs(vectors, text, graph, np.append(rng.integers(1950, 2020, MOVIES - 1), np.nan))


def small_movie_content() -> MovieContent:
    """Return the same movies as baselines read them."""
    movies = small_movie_inputs()
    return MovieContent(movies.text, movies.vectors, movies.graph, movies.year)
