"""build_kg in a plain implementation: movie by movie, column by column (docs/reference.md)."""

from __future__ import annotations

import pandas as pd

COLUMNS = {
    "actor": ["actor_1", "actor_2", "actor_3"],
    "director": ["director_1"],
    "writer": ["writer_1"],
    "genre": ["genre_1"],
    "company": ["produced_by_company_1"],
    "country": ["produced_in_country_1"],
    "language": ["spoken_language_1"],
}


def knowledge_graph(movies: pd.DataFrame) -> tuple[list[tuple[str, int, str]], list[tuple[str, int, int]]]:
    """Return entities (type, index, name) and edges (type, movie row, index)."""
    entities, edges = [], []
    for kind, columns in COLUMNS.items():
        names_of = {}
        for row, movie in movies.iterrows():
            names = set()
            for column in columns:
                if pd.notna(movie[column]) and str(movie[column]).strip():
                    names.add(" ".join(str(movie[column]).split()))
            names_of[row] = names
        index = {name: i for i, name in enumerate(sorted(set().union(*names_of.values())))}
        entities += [(kind, i, name) for name, i in index.items()]
        for row, names in names_of.items():
            edges += [(kind, row, i) for i in sorted(index[name] for name in names)]
    return entities, edges
