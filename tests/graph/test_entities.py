from __future__ import annotations

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.graph.entities import extract_entities_and_edges

COLUMNS = [column for columns in ENTITY_COLUMNS.values() for column in columns]
NAMES = [
    "Ann Lee",
    " Ann \u3000\t Lee",
    "ann lee",
    "Žofie",
    "Émile",
    "中村",
    "𝔘we",
    "\uffeeX",
    "",
    " \n",
    None,
]


def movie_table(**columns: list[str | None]) -> pa.Table:
    n_rows = len(next(iter(columns.values())))
    return pa.table({name: pa.array(columns.get(name, [None] * n_rows), pa.string()) for name in COLUMNS})


def expected_tables(movies: pa.Table) -> tuple[list[tuple], list[tuple]]:
    """Extract entities and edges row by row."""
    pairs = set()
    for row, cells in enumerate(movies.to_pandas().to_dict("records")):
        for entity_type, columns in ENTITY_COLUMNS.items():
            names = [" ".join(cells[c].split()) for c in columns if not pd.isna(cells[c])]
            pairs |= {(entity_type, row, name) for name in names if name}
    index = {}
    for entity_type in ENTITY_COLUMNS:
        names = sorted({name for pair_type, _, name in pairs if pair_type == entity_type})
        for position, name in enumerate(names):
            index[entity_type, name] = position
    entities = sorted((entity_type, position, name) for (entity_type, name), position in index.items())
    edges = sorted((entity_type, row, index[entity_type, name]) for entity_type, row, name in pairs)
    return entities, edges


def row_tuples(table: pa.Table) -> list[tuple]:
    return [tuple(row.values()) for row in table.to_pylist()]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(NAMES), min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=6
    )
)
def test_extract_entities_and_edges_matches_row_by_row_extraction(rows: list[list[str | None]]) -> None:
    movies = movie_table(**dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
    entities, edges = extract_entities_and_edges(movies)
    assert (row_tuples(entities), row_tuples(edges)) == expected_tables(movies)


def test_extract_entities_and_edges_gives_one_edge_for_a_repeated_name() -> None:
    movies = movie_table(actor_1=["Ann Lee"], actor_2=[" Ann  Lee "], director_1=["Ann Lee"])
    entities, edges = extract_entities_and_edges(movies)
    assert row_tuples(entities) == [("actor", 0, "Ann Lee"), ("director", 0, "Ann Lee")]
    assert row_tuples(edges) == [("actor", 0, 0), ("director", 0, 0)]


def test_extract_entities_and_edges_sorts_names_by_code_point() -> None:
    movies = movie_table(genre_1=["𝔘we", "\uffeeX", "ann", "Zoë", "Émile"])
    entities, _ = extract_entities_and_edges(movies)
    assert entities["name"].to_pylist() == ["Zoë", "ann", "Émile", "\uffeeX", "𝔘we"]


def test_extract_entities_and_edges_of_a_table_without_names_is_empty() -> None:
    entities, edges = extract_entities_and_edges(movie_table(genre_1=[None, " "]))
    assert (entities.num_rows, edges.num_rows) == (0, 0)


def test_extract_entities_and_edges_treats_a_missing_column_as_null() -> None:
    movies = movie_table(genre_1=["Drama", None], actor_2=[None, "Ann Lee"])
    expected = extract_entities_and_edges(movies)
    assert extract_entities_and_edges(movies.select(["genre_1", "actor_2"])) == expected
