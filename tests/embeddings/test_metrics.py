from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.embeddings.embedding_sets import POSTPROCESSINGS, random_embeddings
from reelgraph.embeddings.metrics import (
    compute_embedding_metrics,
    distinct_rows,
    movie_entities,
    write_spectra,
)
from reelgraph.params.graph import Embeddings
from reelgraph.runtime.errors import ArtifactError
from tests.gnn.conftest import random_graph

PARAMS = Embeddings(pairs=500, pair_seed=42, knn_queries=30)


def test_every_treatment_has_every_statistic() -> None:
    vectors, entities = random_embeddings(60, 8, 1), movie_entities(random_graph(60, 6))
    found = compute_embedding_metrics(vectors, entities, PARAMS, "x")
    assert tuple(found) == POSTPROCESSINGS
    names = {"anisotropy", "pair_cos_mean", "pair_cos_std", "pair_cos_p5", "pair_cos_p95", "uniformity",
             "effective_rank", "isoscore", "hubness", "genre_agreement_10", "director_agreement_10", "company_agreement_10"}  # fmt: skip
    assert all(set(row) == names for row in found.values())
    assert found["whitened"]["isoscore"] == pytest.approx(1)
    assert found["raw"]["director_agreement_10"] == 0  # the graph has no directors


def test_entities_are_the_graphs() -> None:
    graph = random_graph(20, 6)
    found = movie_entities(graph)
    assert (found["director"] == -1).all()
    assert found["genre"][-1] == -1
    edges = set(zip(graph.relations["genre"].movie_rows, graph.relations["genre"].entity_index, strict=True))
    assert all((row, entity) in edges for row, entity in enumerate(found["genre"]) if entity >= 0)


def test_movies_of_one_vector_count_once_among_neighbours() -> None:
    vectors = random_embeddings(40, 8, 1)
    again = np.concatenate([vectors, np.repeat(vectors[:1], 500, axis=0)])
    np.testing.assert_array_equal(distinct_rows(again), np.arange(40))
    few, many = (
        compute_embedding_metrics(v, {"genre": np.arange(len(v)) % 3}, PARAMS, "x")["raw"]
        for v in (vectors, again)
    )
    assert {k: many[k] for k in ("hubness", "genre_agreement_10")} == {
        k: few[k] for k in ("hubness", "genre_agreement_10")
    }


def test_the_control_is_seeded_and_knows_nothing() -> None:
    assert (random_embeddings(5, 4, 1) == random_embeddings(5, 4, 1)).all()
    assert (random_embeddings(5, 4, 1) != random_embeddings(5, 4, 2)).all()
    found = compute_embedding_metrics(
        random_embeddings(3000, 10, 1), {"genre": np.arange(3000) % 5}, PARAMS, "x"
    )["raw"]
    assert found["isoscore"] == pytest.approx(1, abs=0.02)
    assert found["genre_agreement_10"] == pytest.approx(0.2, abs=0.1)


def test_movies_that_are_all_one_vector_are_measured_as_they_are() -> None:
    found = compute_embedding_metrics(
        np.full((50, 3), 0.1, np.float32), {"genre": np.zeros(50, np.int64)}, PARAMS, "x"
    )
    assert set(found) == {"raw"}
    assert found["raw"]["genre_agreement_10"] == found["raw"]["hubness"] == found["raw"]["isoscore"] == 0


def test_vectors_without_direction_are_refused() -> None:
    with pytest.raises(ArtifactError, match="data/x: expected a vector with a norm"):
        compute_embedding_metrics(np.zeros((5, 3), np.float32), {}, PARAMS, "data/x")


def test_spectra_are_shares_of_the_largest(tmp_path: Path) -> None:
    write_spectra({"a": np.array([4.0, 1.0]), "b": np.array([2.0, 2.0, 0.0])}, tmp_path)
    assert (tmp_path / "a.tsv").read_text() == "rank\tsingular_value\n1\t1\n2\t0.25\n"
    assert (tmp_path / "b.tsv").read_text().endswith("3\t0\n")
    assert (tmp_path / "spectra.png").read_bytes()[:4] == b"\x89PNG"
