"""How well scores find held-out edges, by relation and on average."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float64
from torch import Tensor

from reelgraph.gnn.ranking import filtered_ranks, measures, random_ranks
from reelgraph.gnn.scores import EVERY, Scores
from reelgraph.gnn.tasks import Side, Task

Ranks = Float64[Tensor, " edges"]
Judged = dict[str, dict[str, float]]
"""Entity type, ``micro``, ``macro`` → ``mrr``, ``hits_1``, ``hits_3``, ``hits_10``."""


@torch.no_grad()
def judge(scores: Scores, task: Task) -> Judged:
    """Rank each predicted edge from both ends: its entity for the movie, its movie for the entity."""

    def ranks(kind: str) -> Ranks:
        def of_entities(movies: Tensor) -> Tensor:
            return scores.table(kind, movies, EVERY)

        def of_movies(entities: Tensor) -> Tensor:
            return scores.table(kind, EVERY, entities).T

        movies, entities = task.entities_of[kind], task.movies_of[kind]
        return torch.cat([_ranks(of_entities, movies), _ranks(of_movies, entities)])

    return averaged({kind: ranks(kind) for kind in task.entities_of})


def judge_random(task: Task, seed: int) -> Judged:
    """Rank each predicted edge, from both ends, as random scores do."""
    drawn = torch.Generator("cpu").manual_seed(seed)
    sides = {kind: (task.entities_of[kind], task.movies_of[kind]) for kind in task.entities_of}
    return averaged({
        kind: torch.cat([random_ranks(side.queries, side.known, drawn) for side in both])
        for kind, both in sides.items()
    })  # fmt: skip


def averaged(ranks: dict[str, Ranks]) -> Judged:
    """Return the measures of each relation that has edges, of all edges (micro), and their mean (macro)."""
    relations = {kind: measures(found) for kind, found in ranks.items() if len(found)}
    if not relations:
        return {}
    macro = {
        name: sum(found[name] for found in relations.values()) / len(relations)
        for name in next(iter(relations.values()))
    }
    return {**relations, "micro": measures(torch.cat(list(ranks.values()))), "macro": macro}


def _ranks(score: Callable[[Tensor], Tensor], side: Side) -> Ranks:
    return filtered_ranks(score, side.queries, side.targets, side.known)
