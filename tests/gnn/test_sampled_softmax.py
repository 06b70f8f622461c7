"""The sampled softmax loss against the full softmax."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.core.torch_setup import CPU
from reelgraph.gnn import sampled_softmax
from reelgraph.gnn.link_prediction import KgeModel
from reelgraph.gnn.link_splits import RankingQueries, build_link_splits
from reelgraph.gnn.sampled_softmax import MASKED_LOGIT, neighbour_cells, sampled_softmax_loss
from reelgraph.graph.edge_split import split_edges
from tests.helpers.graphs import random_graph


def full_logsumexp(logits, rows, per_row, shared, masked):
    table = logits(*(tensor[rows] for tensor in per_row), *shared)
    return table.index_put(masked, torch.tensor(MASKED_LOGIT)).logsumexp(dim=1)


def task_and_scores(graph):
    task = build_link_splits(graph, split_edges(graph, 0.1, 0.1, 0)).train
    torch.manual_seed(0)
    sizes = tuple(len(relation.entity_names) for relation in graph.relations.values())
    return task, KgeModel("distmult", tuple(graph.relations), len(graph.movie_ids), sizes, 4)()


def neighbours_of(ranking: RankingQueries, query: int) -> torch.Tensor:
    lists = ranking.neighbour_lists
    return lists.columns[lists.offsets[query] : lists.offsets[query + 1]]


def full_cross_entropy(table: torch.Tensor, ranking: RankingQueries) -> torch.Tensor:
    """Cross-entropy against all nodes except the known neighbours of each query."""
    losses = []
    for query, target in zip(ranking.queries.tolist(), ranking.targets.tolist(), strict=True):
        neighbours = neighbours_of(ranking, query).tolist()
        n_nodes = ranking.neighbour_lists.n_nodes
        allowed = [node for node in range(n_nodes) if node == target or node not in neighbours]
        losses.append(table[query, allowed].logsumexp(0) - table[query, target])
    return torch.stack(losses).mean()


def test_sampled_softmax_loss_with_all_candidates_is_the_cross_entropy_of_both_sides(graph) -> None:
    task, scores = task_and_scores(graph)
    expected = torch.zeros(())
    for entity_type in graph.relations:
        table = scores.score_all(*scores.sides(entity_type), torch.arange(len(graph.movie_ids)))
        expected = expected + full_cross_entropy(table, task.movie_queries[entity_type])
        expected = expected + full_cross_entropy(table.T, task.entity_queries[entity_type])
    torch.testing.assert_close(sampled_softmax_loss(scores, task, torch.Generator()), expected)


def test_sampled_softmax_loss_estimates_the_full_loss(graph, monkeypatch: pytest.MonkeyPatch) -> None:
    task, scores = task_and_scores(graph)
    full = sampled_softmax_loss(scores, task, torch.Generator()).item()
    monkeypatch.setattr(sampled_softmax, "N_NEGATIVES", 10)
    generator = torch.Generator().manual_seed(0)
    sampled = np.mean([sampled_softmax_loss(scores, task, generator).item() for _ in range(60)])
    assert sampled == pytest.approx(full, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 25), st.integers(0, 99), st.integers(1, 12))
def test_known_cells_masks_every_training_edge(n_movies: int, seed: int, n_negatives: int) -> None:
    graph = random_graph(n_movies, 3, seed)
    task = build_link_splits(graph, split_edges(graph, 0.2, 0.2, seed)).train
    generator = torch.Generator().manual_seed(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampled_softmax, "N_NEGATIVES", n_negatives)
        for ranking in [*task.movie_queries.values(), *task.entity_queries.values()]:
            n_nodes = ranking.neighbour_lists.n_nodes
            rows = ranking.queries.unique()
            sampled = sampled_softmax.sample_candidates(n_nodes, generator, CPU)
            assert len(sampled.unique()) == len(sampled) == min(n_negatives, n_nodes)
            assert int(sampled.max()) < n_nodes
            mask = torch.zeros(len(rows), len(sampled), dtype=torch.bool)
            mask[neighbour_cells(ranking, rows, sampled)] = True
            for row, query in enumerate(rows.tolist()):
                expected = torch.isin(sampled, neighbours_of(ranking, query))
                assert mask[row].tolist() == expected.tolist()


def test_chunked_logsumexp_has_the_same_gradient_and_saves_less_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gradients_and_saved_numbers() -> tuple[list[torch.Tensor], int]:
        task, scores = task_and_scores(random_graph(200, 30, 1))
        saved: dict[int, int] = {}

        def record(tensor: torch.Tensor) -> torch.Tensor:
            saved[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
            loss = sampled_softmax_loss(scores, task, torch.Generator().manual_seed(0))
        inputs = [scores.movies, *scores.entities.values(), *scores.weights.values()]
        return [loss, *torch.autograd.grad(loss, inputs)], sum(saved.values())

    chunked, n_chunked = gradients_and_saved_numbers()
    monkeypatch.setattr(sampled_softmax, "chunked_logsumexp", full_logsumexp)
    full, n_full = gradients_and_saved_numbers()
    torch.testing.assert_close(chunked, full)
    assert n_chunked < n_full / 2
