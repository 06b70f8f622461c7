from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.core.schemas.columns import ENTITY_COLUMNS, TEXT_COLUMNS
from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.graph.edge_split import EdgeRole, mask_held_out_names, split_edges, subgraph, write_edge_roles
from reelgraph.graph.entity_embeddings import build_corpus

FRACTIONS = st.floats(0, 0.4)


def graph_with_edges(pairs: dict[str, list[tuple[int, int]]], n_movies: int = 50) -> KnowledgeGraph:
    relations = {}
    for entity_type, type_pairs in pairs.items():
        rows, entities = np.array(sorted(set(type_pairs)), dtype=np.int64).reshape(-1, 2).T.copy()
        names = tuple(f"{entity_type} {i}" for i in range(10))
        relations[entity_type] = Relation(names, np.zeros((10, 3), np.float32), rows, entities)
    return KnowledgeGraph(np.arange(n_movies), relations)


def sampled_graph(seed: int) -> KnowledgeGraph:
    rng = np.random.default_rng(seed)
    counts = {"actor": rng.integers(1, 60), "genre": rng.integers(1, 9)}
    return graph_with_edges(
        {
            entity_type: [(int(m), int(e)) for m, e in rng.integers(0, [50, 10], (count, 2))]
            for entity_type, count in counts.items()
        }
    )


def edge_keys(graph: KnowledgeGraph) -> set[tuple[str, int, int]]:
    return {
        (entity_type, *edge)
        for entity_type, relation in graph.relations.items()
        for edge in zip(relation.movie_rows.tolist(), relation.entity_index.tolist(), strict=True)
    }


@settings(deadline=None)
@given(FRACTIONS, FRACTIONS, st.integers(0, 99))
def test_split_edges_keeps_the_fractions_in_each_relation(
    val_fraction: float, test_fraction: float, seed: int
) -> None:
    graph = sampled_graph(seed)
    roles = split_edges(graph, val_fraction, test_fraction, seed)
    parts = [edge_keys(subgraph(graph, roles, role)) for role in EdgeRole]
    assert set.union(*parts) == edge_keys(graph)
    assert sum(map(len, parts)) == len(edge_keys(graph))
    for entity_type, relation in graph.relations.items():
        counts = np.bincount(roles[entity_type], minlength=4)
        assert counts[EdgeRole.VALIDATION] == round(val_fraction * len(relation.entity_index))
        assert counts[EdgeRole.TEST] == round(test_fraction * len(relation.entity_index))
        assert abs(int(counts[EdgeRole.MESSAGE]) - int(counts[EdgeRole.SUPERVISION])) <= 1


def test_split_edges_depends_on_the_seed_and_not_on_other_relations() -> None:
    edges = [(m, e) for m in range(20) for e in range(3)]
    actor_graph = graph_with_edges({"actor": edges})
    graph = graph_with_edges({"actor": edges, "genre": edges})
    first, second, other_seed = (split_edges(graph, 0.1, 0.1, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(first[entity_type], second[entity_type]) for entity_type in first)
    assert not np.array_equal(first["actor"], other_seed["actor"])
    assert not np.array_equal(first["actor"], first["genre"])
    assert np.array_equal(split_edges(actor_graph, 0.1, 0.1, 3)["actor"], first["actor"])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99))
def test_mask_held_out_names_removes_held_out_edges_from_the_corpus(seed: int) -> None:
    cells = {name: ["", "", ""] for name in TEXT_COLUMNS}
    cells |= {"actor_1": ["Ann  Ash", "Bob", None], "actor_2": ["Bob", " Ann Ash ", "Cid"]}
    cells |= {"director_1": ["Ann Ash", "Cid", "Cid"], "tagline": ["Bob is back", "", ""]}
    movies = pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})
    names = ("Ann Ash", "Bob", "Cid")
    vectors = np.zeros((3, 2), np.float32)
    relations = {
        "actor": Relation(names, vectors, np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2])),
        "director": Relation(names, vectors, np.array([0, 1, 2]), np.array([0, 2, 2])),
    }
    graph = KnowledgeGraph(np.arange(3), relations)
    hidden = subgraph(graph, split_edges(graph, 0.3, 0.3, seed), EdgeRole.VALIDATION, EdgeRole.TEST)
    masked = mask_held_out_names(movies, hidden)
    for entity_type, movie, entity in edge_keys(graph):
        cells = [masked[column][movie].as_py() or "" for column in ENTITY_COLUMNS[entity_type]]
        is_named = any(" ".join(cell.split()) == names[entity] for cell in cells)
        assert is_named == ((entity_type, movie, entity) not in edge_keys(hidden))
    assert masked["tagline"].equals(movies["tagline"])
    assert "Bob is back" in build_corpus(masked)[0]


def test_write_edge_roles_adds_the_role_to_each_edge(tmp_path: Path) -> None:
    graph = graph_with_edges({"actor": [(m, m % 10) for m in range(40)]})
    write_edge_roles(graph, split_edges(graph, 0.1, 0.2, 0), tmp_path / "edges.parquet")
    table = pq.read_table(tmp_path / "edges.parquet")
    assert table.column_names == ["type", "movie_row", "entity_index", "part"]
    counts = {row["values"]: row["counts"] for row in table["part"].value_counts().to_pylist()}
    assert counts == {"message": 14, "supervision": 14, "validation": 4, "test": 8}
