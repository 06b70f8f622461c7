from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.embeddings.embedding_sets import POSTPROCESSINGS, n_top_components, random_embeddings
from reelgraph.embeddings.metrics import (
    compute_embedding_metrics,
    distinct_rows,
    movie_entities,
    write_spectra,
)
from reelgraph.params.graph import Embeddings
from reelgraph.runtime.errors import ArtifactError
from tests.helpers.graphs import random_graph

PARAMS = Embeddings(pairs=500, pair_seed=42, knn_queries=30)


def test_compute_embedding_metrics_has_every_metric_per_postprocessing() -> None:
    vectors = random_embeddings(60, 8, 1)
    entities = movie_entities(random_graph(60, 6))
    metrics = compute_embedding_metrics(vectors, entities, PARAMS, "x")
    assert tuple(metrics) == POSTPROCESSINGS
    names = {"anisotropy", "pair_cos_mean", "pair_cos_std", "pair_cos_p5", "pair_cos_p95", "uniformity",
             "effective_rank", "isoscore", "hubness", "genre_agreement_10", "director_agreement_10", "company_agreement_10"}  # fmt: skip
    assert all(set(row) == names for row in metrics.values())
    assert metrics["whitened"]["isoscore"] == pytest.approx(1)
    assert metrics["raw"]["director_agreement_10"] == 0  # the graph has no directors


def test_movie_entities_are_edges_of_the_graph() -> None:
    graph = random_graph(20, 6)
    entities = movie_entities(graph)
    assert (entities["director"] == -1).all()
    assert entities["genre"][-1] == -1
    edges = set(zip(graph.relations["genre"].movie_rows, graph.relations["genre"].entity_index, strict=True))
    assert all((row, entity) in edges for row, entity in enumerate(entities["genre"]) if entity >= 0)


def test_compute_embedding_metrics_counts_equal_vectors_once() -> None:
    vectors = random_embeddings(40, 8, 1)
    repeated = np.concatenate([vectors, np.repeat(vectors[:1], 500, axis=0)])
    np.testing.assert_array_equal(distinct_rows(repeated), np.arange(40))
    few, many = (
        compute_embedding_metrics(v, {"genre": np.arange(len(v)) % 3}, PARAMS, "x")["raw"]
        for v in (vectors, repeated)
    )
    assert {k: many[k] for k in ("hubness", "genre_agreement_10")} == {
        k: few[k] for k in ("hubness", "genre_agreement_10")
    }


def test_random_embeddings_are_seeded_and_uninformative() -> None:
    assert (random_embeddings(5, 4, 1) == random_embeddings(5, 4, 1)).all()
    assert (random_embeddings(5, 4, 1) != random_embeddings(5, 4, 2)).all()
    metrics = compute_embedding_metrics(
        random_embeddings(3000, 10, 1), {"genre": np.arange(3000) % 5}, PARAMS, "x"
    )["raw"]
    assert metrics["isoscore"] == pytest.approx(1, abs=0.02)
    assert metrics["genre_agreement_10"] == pytest.approx(0.2, abs=0.1)


def test_compute_embedding_metrics_of_equal_vectors_has_only_raw() -> None:
    metrics = compute_embedding_metrics(
        np.full((50, 3), 0.1, np.float32), {"genre": np.zeros(50, np.int64)}, PARAMS, "x"
    )
    assert set(metrics) == {"raw"}
    assert (
        metrics["raw"]["genre_agreement_10"] == metrics["raw"]["hubness"] == metrics["raw"]["isoscore"] == 0
    )


def test_compute_embedding_metrics_rejects_zero_vectors() -> None:
    with pytest.raises(ArtifactError, match="data/x: expected a vector with a norm"):
        compute_embedding_metrics(np.zeros((5, 3), np.float32), {}, PARAMS, "data/x")


def test_write_spectra_scales_by_the_largest(tmp_path: Path) -> None:
    write_spectra({"a": np.array([4.0, 1.0]), "b": np.array([2.0, 2.0, 0.0])}, tmp_path)
    assert (tmp_path / "a.tsv").read_text() == "rank\tsingular_value\n1\t1\n2\t0.25\n"
    assert (tmp_path / "b.tsv").read_text().endswith("3\t0\n")
    assert (tmp_path / "spectra.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize("dim", [1, 16, 300, 384])
@pytest.mark.parametrize("n_distinct", [1, 2, 3, 4, 5, 6])
def test_compute_embedding_metrics_of_few_distinct_vectors(n_distinct: int, dim: int) -> None:
    distinct = random_embeddings(n_distinct, dim, 1)
    vectors = distinct[np.arange(60) % n_distinct] / np.linalg.norm(distinct, axis=1).max()
    metrics = compute_embedding_metrics(vectors, {"genre": np.arange(60) % 2}, PARAMS, "x")
    n_components = min(n_distinct - 1, dim)
    assert ("centred" in metrics) == (n_components > 0)
    assert ("top_removed" in metrics) == (n_components > n_top_components(dim))
    assert all(np.isfinite(list(row.values())).all() for row in metrics.values())
