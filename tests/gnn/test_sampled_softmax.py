"""The sampled loss is held against the plain one, and never draws a known edge as a negative."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.gnn import sampled_softmax
from reelgraph.gnn.link_prediction import KgeModel
from reelgraph.gnn.link_splits import build_link_splits
from reelgraph.gnn.sampled_softmax import MASKED_LOGIT, known_cells, sampled_softmax_loss
from reelgraph.graph.edge_split import split_edges
from tests.helpers.graphs import random_graph


def at_once(table, rows, own, shared, hidden):
    logits = table(*(each[rows] for each in own), *shared)
    return logits.index_put(hidden, torch.tensor(MASKED_LOGIT)).logsumexp(dim=1)


def prepared(graph):
    task = build_link_splits(graph, split_edges(graph, 0.1, 0.1, 0)).train
    torch.manual_seed(0)
    sizes = tuple(len(relation.entity_names) for relation in graph.relations.values())
    return task, KgeModel("distmult", tuple(graph.relations), len(graph.movie_ids), sizes, 4)()


def plainly(table: torch.Tensor, side) -> torch.Tensor:
    """Cross-entropy of each edge against everything that is no known neighbour of its query."""
    losses = []
    for query, target in zip(side.queries.tolist(), side.targets.tolist(), strict=True):
        known = set(side.known.columns[side.known.starts[query] : side.known.starts[query + 1]].tolist())
        allowed = [n for n in range(side.known.width) if n == target or n not in known]
        losses.append(table[query, allowed].logsumexp(0) - table[query, target])
    return torch.stack(losses).mean()


def test_with_all_candidates_it_is_the_cross_entropy_of_both_ends(graph) -> None:
    task, scores = prepared(graph)
    expected = torch.zeros(())
    for kind in graph.relations:
        table = scores.table(kind, slice(None), slice(None))
        expected = (
            expected + plainly(table, task.movie_queries[kind]) + plainly(table.T, task.entity_queries[kind])
        )
    torch.testing.assert_close(sampled_softmax_loss(scores, task, torch.Generator()), expected)


def test_a_sample_estimates_the_sum_over_all(graph, monkeypatch: pytest.MonkeyPatch) -> None:
    task, scores = prepared(graph)
    whole = sampled_softmax_loss(scores, task, torch.Generator()).item()
    monkeypatch.setattr(sampled_softmax, "NEGATIVES", 10)
    drawn = torch.Generator().manual_seed(0)
    sampled = np.mean([sampled_softmax_loss(scores, task, drawn).item() for _ in range(200)])
    assert sampled == pytest.approx(whole, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 25), st.integers(0, 99), st.integers(1, 12))
def test_no_training_edge_is_a_negative_and_all_negatives_are_of_the_type(
    movies: int, seed: int, most: int
) -> None:
    graph = random_graph(movies, 3, seed)
    task = build_link_splits(graph, split_edges(graph, 0.2, 0.2, seed)).train
    drawn = torch.Generator().manual_seed(seed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sampled_softmax, "NEGATIVES", most)
        for side in [*task.movie_queries.values(), *task.entity_queries.values()]:
            rows, nodes = (
                side.queries.unique(),
                sampled_softmax.sample_candidates(side.known_neighbours.width, drawn),
            )
            assert len(nodes.unique()) == len(nodes) == min(most, side.known_neighbours.width)
            assert int(nodes.max()) < side.known_neighbours.width
            hidden = torch.zeros(len(rows), len(nodes), dtype=torch.bool)
            hidden[known_cells(side, rows, nodes)] = True
            for row, query in enumerate(rows.tolist()):
                known = side.known_neighbours.columns[
                    side.known_neighbours.starts[query] : side.known_neighbours.starts[query + 1]
                ]
                assert hidden[row].tolist() == torch.isin(nodes, known).tolist()


def test_what_is_computed_again_has_the_same_gradient_and_keeps_no_row_of_an_edge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured() -> tuple[list[torch.Tensor], int]:
        task, scores = prepared(random_graph(200, 30, 1))
        kept: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            kept[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            loss = sampled_softmax_loss(scores, task, torch.Generator().manual_seed(0))
        inputs = [scores.movies, *scores.entities.values(), *scores.weights.values()]
        return [loss, *torch.autograd.grad(loss, inputs)], sum(kept.values())

    again, few = measured()
    monkeypatch.setattr(sampled_softmax, "log_sums", at_once)
    whole, many = measured()
    torch.testing.assert_close(again, whole)
    assert few < many / 2
