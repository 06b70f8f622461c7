"""The sampled softmax loss against the full softmax."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.core.torch_setup import CPU
from reelgraph.gnn import chunked_linear, sampled_softmax
from reelgraph.gnn.link_prediction import KgeModel
from reelgraph.gnn.link_splits import RankingQueries, build_link_splits
from reelgraph.gnn.sampled_softmax import MASKED_SCORE, neighbour_cells, sampled_softmax_loss
from reelgraph.graph.edge_split import split_edges
from tests.helpers.graphs import random_graph


def plain_loss(scores, task, generator):
    """The sampled softmax loss by autograd, with whole tables of scores."""
    total = torch.zeros(())
    for entity_type, movie_queries in task.movie_queries.items():
        movies, entities = scores.sides(entity_type)
        entity_queries = task.entity_queries[entity_type]
        for ranking, queries, candidates in (
            (movie_queries, movies, entities),
            (entity_queries, entities, movies),
        ):
            n_nodes = ranking.neighbour_lists.n_nodes
            rows, row_of_edge = ranking.queries.unique(return_inverse=True)
            sampled = sampled_softmax.sample_candidates(n_nodes, generator, CPU)
            table = scores.score_all(queries, candidates, rows)
            true_scores = table[row_of_edge, ranking.targets]
            masked = neighbour_cells(ranking, rows, sampled)
            negatives = table[:, sampled].index_put(masked, torch.tensor(MASKED_SCORE)).logsumexp(dim=1)
            negatives = negatives + np.log(n_nodes / len(sampled))
            total = total + (torch.logaddexp(negatives[row_of_edge], true_scores) - true_scores).mean()
    return total


def task_and_scores(graph, model="distmult"):
    task = build_link_splits(graph, split_edges(graph, 0.1, 0.1, 0)).train
    torch.manual_seed(0)
    sizes = tuple(len(relation.entity_names) for relation in graph.relations.values())
    return task, KgeModel(model, tuple(graph.relations), len(graph.movie_ids), sizes, 4)()


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


@pytest.mark.parametrize("n_negatives", [10, 1000])
@pytest.mark.parametrize("chunk_rows", [7, 1024])
@pytest.mark.parametrize("model", ["distmult", "transe"])
def test_sampled_softmax_loss_has_the_gradient_of_the_plain_loss(
    model: str, chunk_rows: int, n_negatives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled_softmax, "N_NEGATIVES", n_negatives)
    monkeypatch.setattr(chunked_linear, "CHUNK_ROWS", chunk_rows)
    task, scores = task_and_scores(random_graph(60, 9, 1), model)
    relation_weights = scores.weights if model == "distmult" else scores.translations
    inputs = [scores.movies, *scores.entities.values(), *relation_weights.values()]

    def loss_and_gradients(loss_function) -> list[torch.Tensor]:
        loss = loss_function(scores, task, torch.Generator().manual_seed(0))
        return [loss, *torch.autograd.grad(3 * loss, inputs, retain_graph=True)]

    expected = loss_and_gradients(plain_loss)
    torch.testing.assert_close(loss_and_gradients(sampled_softmax_loss), expected, rtol=1e-4, atol=1e-6)


def test_sampled_softmax_loss_saves_less_memory() -> None:
    task, scores = task_and_scores(random_graph(200, 30, 1))

    def saved_numbers(loss_function) -> int:
        saved: dict[int, int] = {}

        def record(tensor: torch.Tensor) -> torch.Tensor:
            saved[tensor.untyped_storage().data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
            loss_function(scores, task, torch.Generator())
        return sum(saved.values())

    assert saved_numbers(sampled_softmax_loss) < saved_numbers(plain_loss) / 2
