"""The GNN's forward pass against PyTorch Geometric's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import softplus

from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.gnn.bpr import bpr_loss, build_bpr_edges, sage_inputs, sample_negatives
from reelgraph.gnn.sage import HeteroSage, build_bipartite_csr, to_hetero_data


def data_and_model(graph: KnowledgeGraph, features: np.ndarray):
    data = to_hetero_data(graph, features)
    torch.manual_seed(0)
    model = HeteroSage(tuple(graph.relations), features.shape[1], data["actor"].x.shape[1], 8, 4)
    return data, model


def reference_forward(data, model):
    hidden = {name: x.relu() for name, x in model.layers[0](data.x_dict, data.edge_index_dict).items()}
    return model.layers[1](hidden, data.edge_index_dict)


def reference_loss(csr, vectors, edges, negatives):
    """The loss of docs/reference.md, type by type; negatives are in the order of ``edges``."""
    total = torch.zeros(())
    stacked = torch.cat([vectors[entity_type] for entity_type in csr.entity_types])
    movies = torch.repeat_interleave(torch.arange(len(vectors["movie"])), edges.offsets.diff() // 2)
    start = 0
    for count in csr.entity_counts:
        mask = (edges.positives >= start) & (edges.positives < start + count)
        assert ((negatives[mask] >= start) & (negatives[mask] < start + count)).all()
        movie_vectors = vectors["movie"][movies[mask]]
        positive = (movie_vectors * stacked[edges.positives[mask]]).sum(1)
        negative = (movie_vectors * stacked[negatives[mask]]).sum(1)
        total = total + softplus(negative - positive).mean()
        start += count
    return total


def test_hetero_sage_matches_pytorch_geometric(graph, features) -> None:
    data, model = data_and_model(graph, features)
    csr = build_bipartite_csr(data)
    edges = build_bpr_edges(data, csr)
    negatives = sample_negatives(edges, torch.Generator().manual_seed(1))
    movies, entities = model(*sage_inputs(data))
    loss = bpr_loss(movies, entities, edges, negatives)
    gradients = torch.autograd.grad(loss, list(model.parameters()))

    vectors = reference_forward(data, model)
    expected_loss = reference_loss(csr, vectors, edges, negatives)
    expected_gradients = torch.autograd.grad(expected_loss, list(model.parameters()))

    expected_entities = torch.cat([vectors[entity_type] for entity_type in csr.entity_types])
    torch.testing.assert_close(movies, vectors["movie"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(entities, expected_entities, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loss, expected_loss, atol=1e-5, rtol=1e-5)
    names = [name for name, _ in model.named_parameters()]
    for name, actual, expected in zip(names, gradients, expected_gradients, strict=True):
        torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4, msg=name)


def test_hetero_sage_with_the_references_types_has_5_048_400_parameters() -> None:
    types = ("actor", "director", "writer", "genre", "company", "country", "language")
    model = HeteroSage(types, 300, 300, 300, 300)
    assert sum(weight.numel() for weight in model.parameters()) == 5_048_400


@pytest.mark.parametrize("entity_types", [tuple(ENTITY_COLUMNS), (*ENTITY_COLUMNS, "tag")])
def test_hetero_sage_has_two_convolutions_per_layer_and_type(entity_types: tuple[str, ...]) -> None:
    model = HeteroSage(entity_types, 5, 6, 7, 8)
    to_entity, to_movie = (5 + 6) * 7 + 7, (6 + 5) * 7 + 7
    second_layer = 2 * ((7 + 7) * 8 + 8)
    expected = len(entity_types) * (to_entity + to_movie + second_layer)
    assert sum(weight.numel() for weight in model.parameters()) == expected


def test_hetero_sage_embeds_a_movie_without_edges(graph, features) -> None:
    data, model = data_and_model(graph, features)
    movies, _ = model(*sage_inputs(data))
    assert torch.isfinite(movies).all()
    assert movies[-1].norm() > 0


def test_hetero_sage_is_equivariant_to_the_order_of_movies(graph, features) -> None:
    order = np.random.default_rng(3).permutation(20)
    new_row = np.argsort(order)
    relations = {}
    for entity_type, relation in graph.relations.items():
        edges = zip(new_row[relation.movie_rows].tolist(), relation.entity_index.tolist(), strict=True)
        rows, entities = np.array(sorted(edges)).T.copy()
        relations[entity_type] = Relation(relation.entity_names, relation.entity_vectors, rows, entities)
    permuted_graph = KnowledgeGraph(graph.movie_ids[order], relations)
    data, model = data_and_model(graph, features)
    permuted_data, _ = data_and_model(permuted_graph, features[order])
    movies, _ = model(*sage_inputs(data))
    permuted_movies, _ = model(*sage_inputs(permuted_data))
    torch.testing.assert_close(permuted_movies, movies[order])


def test_to_hetero_data_is_valid_and_has_reverse_edges(graph, features) -> None:
    data = to_hetero_data(graph, features)
    assert data.validate()
    assert len(data.edge_types) == 2 * len(graph.relations)
    assert data["movie", "has_actor", "actor"].edge_index[1].max() < data["actor"].num_nodes
    torch.testing.assert_close(
        data["genre", "has_genre_rev", "movie"].edge_index,
        data["movie", "has_genre", "genre"].edge_index.flip(0),
    )


def test_sample_negatives_is_uniform_over_the_positives_type(graph, features) -> None:
    data, _ = data_and_model(graph, features)
    edges = build_bpr_edges(data, build_bipartite_csr(data))
    generator = torch.Generator().manual_seed(2)
    negatives = torch.stack([sample_negatives(edges, generator) for _ in range(2000)])
    assert (negatives >= edges.first_entities).all()
    assert (negatives < edges.first_entities + edges.entity_counts).all()
    genres = negatives[:, edges.entity_counts == 4].flatten()
    fractions = torch.bincount(genres - genres.min(), minlength=4) / len(genres)
    torch.testing.assert_close(fractions, torch.full((4,), 0.25), atol=0.01, rtol=0)
