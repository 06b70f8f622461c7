"""Movies added to a fitted rater: old ones are predicted as before, new ones as unrated ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.raters.io import restore_rater
from reelgraph.raters.rater import CandidateScores, MovieInputs
from reelgraph.raters.registry import find_rater
from tests.helpers.bundle_samples import fit_sample_rater
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES

UNRATED = MOVIES - 2
"""A movie without ratings and without entities."""
COPIED = np.array([UNRATED, 4])


def append_copies(movies: MovieInputs) -> MovieInputs:
    """Append copies of two movies; the second one has a further actor whom no other movie has."""
    rows = np.append(np.arange(MOVIES), COPIED)
    actor = movies.graph.relations["actor"]
    genre = movies.graph.relations["genre"]
    copied = actor.entity_index[actor.movie_rows == COPIED[1]]
    new_actor = len(actor.entity_names)
    relations = {
        "actor": Relation(
            (*actor.entity_names, "H"),
            np.ones((new_actor + 1, 3), np.float32),
            np.append(actor.movie_rows, np.full(3, MOVIES + 1)),
            np.concatenate([actor.entity_index, copied, [new_actor]]),
        ),
        "genre": replace(
            genre,
            movie_rows=np.append(genre.movie_rows, MOVIES + 1),
            entity_index=np.append(genre.entity_index, genre.entity_index[genre.movie_rows == COPIED[1]]),
        ),
    }
    graph = KnowledgeGraph(np.arange(len(rows)) + 100, relations)
    return MovieInputs(movies.vectors[rows], movies.text[rows], graph, movies.year[rows])


@pytest.mark.parametrize("rater_type", ["gp", "attention", "transformer"])
def test_append_movies_leaves_the_others_and_predicts_a_copy_as_its_original(
    rater_type: str, tmp_path: Path
) -> None:
    fitted, movies, config = fit_sample_rater(rater_type)
    append_movies = find_rater(rater_type).append_movies
    assert append_movies is not None
    inputs = append_copies(movies)
    append_movies(fitted, inputs).save(tmp_path / "model.safetensors")
    rater = restore_rater(config, str(tmp_path / "model.safetensors"), lambda: inputs.vectors)
    histories = random_histories(5, 4, UNRATED, 30)

    def score_all(scorer: object) -> CandidateScores:
        return next(iter(scorer.score(histories, histories.offsets[:-1], histories.test[:1])))  # type: ignore[attr-defined]

    before = score_all(fitted).prediction
    after = score_all(rater).prediction
    assert len(after.stars) == MOVIES + 2
    np.testing.assert_allclose(after.stars[:MOVIES], before.stars, atol=2e-4)
    assert after.stars[MOVIES] == pytest.approx(after.stars[UNRATED], abs=2e-3)
    assert 0.5 <= after.stars[MOVIES + 1] <= 5
    if rater_type == "gp":
        assert before.probabilities is not None
        assert after.probabilities is not None
        np.testing.assert_allclose(after.probabilities[MOVIES], after.probabilities[UNRATED], atol=2e-3)
