from __future__ import annotations

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.graph.entities import extract_entities_and_edges
from reelgraph.schemas.columns import ENTITY_COLUMNS

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


def table(**given: list[str | None]) -> pa.Table:
    rows = len(next(iter(given.values())))
    return pa.table({name: pa.array(given.get(name, [None] * rows), pa.string()) for name in COLUMNS})


def plainly(movies: pa.Table) -> tuple[list[tuple], list[tuple]]:
    """Restate the SPEC row by row."""
    frame, pairs = movies.to_pandas(), set()
    for row, cells in enumerate(frame.to_dict("records")):
        for kind, columns in ENTITY_COLUMNS.items():
            names = [" ".join(cells[c].split()) for c in columns if not pd.isna(cells[c])]
            pairs |= {(kind, row, name) for name in names if name}
    index = {}
    for kind in ENTITY_COLUMNS:
        for place, name in enumerate(sorted({name for k, _, name in pairs if k == kind})):
            index[kind, name] = place
    entities = sorted((kind, place, name) for (kind, name), place in index.items())
    return entities, sorted((kind, row, index[kind, name]) for kind, row, name in pairs)


def tuples(found: pa.Table) -> list[tuple]:
    return [tuple(row.values()) for row in found.to_pylist()]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(NAMES), min_size=9, max_size=9), min_size=1, max_size=6))
def test_rows_are_those_of_the_spec(rows: list[list[str | None]]) -> None:
    movies = table(**dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))
    entities, edges = extract_entities_and_edges(movies)
    assert (tuples(entities), tuples(edges)) == plainly(movies)


def test_a_name_twice_in_a_movie_gives_one_edge() -> None:
    movies = table(actor_1=["Ann Lee"], actor_2=[" Ann  Lee "], director_1=["Ann Lee"])
    entities, edges = extract_entities_and_edges(movies)
    assert tuples(entities) == [("actor", 0, "Ann Lee"), ("director", 0, "Ann Lee")]
    assert tuples(edges) == [("actor", 0, 0), ("director", 0, 0)]


def test_names_are_ordered_by_code_point() -> None:
    entities, _ = extract_entities_and_edges(table(genre_1=["𝔘we", "\uffeeX", "ann", "Zoë", "Émile"]))
    assert entities["name"].to_pylist() == ["Zoë", "ann", "Émile", "\uffeeX", "𝔘we"]


def test_a_catalogue_without_names_has_no_edge() -> None:
    entities, edges = extract_entities_and_edges(table(genre_1=[None, " "]))
    assert (entities.num_rows, edges.num_rows) == (0, 0)
