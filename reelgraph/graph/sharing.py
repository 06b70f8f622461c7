"""What two movies have in common: the entities that the graph gives both."""

from __future__ import annotations

import numpy as np

from reelgraph.schemas.kg import KnowledgeGraph, Relation


def shared_entities(graph: KnowledgeGraph, first: int, second: int) -> list[str]:
    """Return the names of the entities that both movies have, people before genres, countries, languages.

    Args:
        graph: movies and entities.
        first: row of a movie.
        second: row of another.
    """
    found: list[str] = []
    for relation in graph.relations.values():
        both = np.intersect1d(_entities(relation, first), _entities(relation, second))
        found += [name for name in (relation.names[i] for i in both) if name not in found]
    return found


def _entities(relation: Relation, movie: int) -> np.ndarray:
    start, end = np.searchsorted(relation.movie_rows, [movie, movie + 1])
    return relation.entities[start:end]
