from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.graph.edge_split import EdgeRole, mask_held_out_names, split_edges, subgraph, write_edge_roles
from reelgraph.graph.entity_embeddings import build_corpus
from reelgraph.schemas.columns import TEXT_COLUMNS
from reelgraph.schemas.kg import KnowledgeGraph, Relation

SHARES = st.floats(0, 0.4)


def graph_of(pairs: dict[str, list[tuple[int, int]]], movies: int = 50) -> KnowledgeGraph:
    relations = {}
    for kind, of_kind in pairs.items():
        rows, entities = np.array(sorted(set(of_kind)), dtype=np.int64).reshape(-1, 2).T.copy()
        names = tuple(f"{kind} {i}" for i in range(10))
        relations[kind] = Relation(names, np.zeros((10, 3), np.float32), rows, entities)
    return KnowledgeGraph(np.arange(movies), relations)


def drawn_graph(seed: int) -> KnowledgeGraph:
    rng = np.random.default_rng(seed)
    counts = {"actor": rng.integers(1, 60), "genre": rng.integers(1, 9)}
    return graph_of(
        {k: [(int(m), int(e)) for m, e in rng.integers(0, [50, 10], (n, 2))] for k, n in counts.items()}
    )


def keys(graph: KnowledgeGraph) -> set[tuple[str, int, int]]:
    return {
        (kind, *edge)
        for kind, relation in graph.relations.items()
        for edge in zip(relation.movie_rows.tolist(), relation.entity_index.tolist(), strict=True)
    }


@settings(deadline=None)
@given(SHARES, SHARES, st.integers(0, 99))
def test_every_edge_has_one_part_and_the_shares_hold_in_each_relation(
    val_share: float, test_share: float, seed: int
) -> None:
    graph = drawn_graph(seed)
    parts = split_edges(graph, val_share, test_share, seed)
    pieces = [keys(subgraph(graph, parts, part)) for part in EdgeRole]
    assert set.union(*pieces) == keys(graph)
    assert sum(map(len, pieces)) == len(keys(graph))
    for kind, relation in graph.relations.items():
        counts = np.bincount(parts[kind], minlength=4)
        assert counts[EdgeRole.VALIDATION] == round(val_share * len(relation.entity_index))
        assert counts[EdgeRole.TEST] == round(test_share * len(relation.entity_index))
        assert abs(int(counts[EdgeRole.MESSAGE]) - int(counts[EdgeRole.SUPERVISION])) <= 1


def test_the_split_is_the_seeds_and_a_relations_own() -> None:
    edges = [(m, e) for m in range(20) for e in range(3)]
    one, both = graph_of({"actor": edges}), graph_of({"actor": edges, "genre": edges})
    first, again, other = (split_edges(both, 0.1, 0.1, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(first[kind], again[kind]) for kind in first)
    assert not np.array_equal(first["actor"], other["actor"])
    assert not np.array_equal(first["actor"], first["genre"])
    assert np.array_equal(split_edges(one, 0.1, 0.1, 3)["actor"], first["actor"])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99))
def test_no_line_that_words_are_learned_from_names_a_held_out_edge(seed: int) -> None:
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
    left = mask_held_out_names(movies, hidden)
    for kind, movie, entity in keys(graph):
        columns = [c for c in movies.column_names if c.startswith(kind)]
        named = any(" ".join((left[c][movie].as_py() or "").split()) == names[entity] for c in columns)
        assert named == ((kind, movie, entity) not in keys(hidden))
    assert left["tagline"].equals(movies["tagline"])
    assert "Bob is back" in build_corpus(left)[0]


def test_the_split_is_written_beside_its_edges(tmp_path: Path) -> None:
    graph = graph_of({"actor": [(m, m % 10) for m in range(40)]})
    parts = split_edges(graph, 0.1, 0.2, 0)
    write_edge_roles(graph, parts, tmp_path / "edges.parquet")
    found = pq.read_table(tmp_path / "edges.parquet")
    assert found.column_names == ["type", "movie_row", "entity_index", "part"]
    counted = dict(
        found.group_by("part")
        .aggregate([("part", "count")])
        .select(["part", "part_count"])
        .to_pandas()
        .values
    )
    assert counted == {"message": 14, "supervision": 14, "validation": 4, "test": 8}
