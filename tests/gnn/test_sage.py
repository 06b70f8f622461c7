"""The fast forward pass is held against PyTorch Geometric's own."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import softplus

from reelgraph.gnn.bpr import bpr_loss, build_bpr_edges, sample_negatives
from reelgraph.gnn.sage import HeteroSage, build_bipartite_csr, to_hetero_data
from reelgraph.schemas.columns import ENTITY_COLUMNS
from reelgraph.schemas.kg import KnowledgeGraph, Relation


def prepared(graph: KnowledgeGraph, features: np.ndarray):
    data = to_hetero_data(graph, features)
    star = build_bipartite_csr(data)
    torch.manual_seed(0)
    model = HeteroSage(star.entity_types, features.shape[1], data["actor"].x.shape[1], 8, 4)
    return data, star, model


def fast(data, star, model):
    movies, entities = data["movie"].x, torch.cat([data[kind].x for kind in star.kinds])
    return model(star, movies, entities, star.into_entities @ movies)


def plain(data, model):
    hidden = {k: v.relu() for k, v in model.layers[0](data.x_dict, data.edge_index_dict).items()}
    return model.layers[1](hidden, data.edge_index_dict)


def plain_loss(data, star, found, targets, negatives):
    """Restate the SPEC's loss type by type; ``negatives`` are ordered as ``targets``, by movie."""
    total, start = torch.zeros(()), 0
    stacked = torch.cat([found[kind] for kind in star.kinds])
    movies = torch.repeat_interleave(torch.arange(len(found["movie"])), targets.starts.diff() // 2)
    for size in star.sizes:
        mine = (targets.positives >= start) & (targets.positives < start + size)
        assert ((negatives[mine] >= start) & (negatives[mine] < start + size)).all()
        of_movie = found["movie"][movies[mine]]
        positive = (of_movie * stacked[targets.positives[mine]]).sum(1)
        negative = (of_movie * stacked[negatives[mine]]).sum(1)
        total = total + softplus(negative - positive).mean()
        start += size
    return total


def test_values_and_gradients_are_those_of_pytorch_geometric(graph, features) -> None:
    data, star, model = prepared(graph, features)
    targets = build_bpr_edges(data, star)
    negatives = sample_negatives(targets, torch.Generator().manual_seed(1))
    movies, entities = fast(data, star, model)
    loss = bpr_loss(movies, entities, targets, negatives)
    ours = torch.autograd.grad(loss, list(model.parameters()))

    found = plain(data, model)
    expected = plain_loss(data, star, found, targets, negatives)
    theirs = torch.autograd.grad(expected, list(model.parameters()))

    torch.testing.assert_close(movies, found["movie"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        entities, torch.cat([found[k] for k in star.entity_types]), atol=1e-5, rtol=1e-5
    )
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    for (name, _), mine, other in zip(model.named_parameters(), ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-4, msg=name)


def test_the_references_model_has_5_048_400_parameters() -> None:
    model = HeteroSage(tuple(ENTITY_COLUMNS), 300, 300, 300, 300)
    assert sum(weight.numel() for weight in model.parameters()) == 5_048_400
    assert len(list(model.parameters())) == 28 * 3


def test_a_movie_without_edges_gets_a_finite_vector(graph, features) -> None:
    movies, _ = fast(*prepared(graph, features))
    assert torch.isfinite(movies).all()
    assert movies[-1].norm() > 0


def test_permuting_movies_permutes_their_vectors(graph, features) -> None:
    order = np.random.default_rng(3).permutation(20)
    place = np.argsort(order)
    relations = {}
    for kind, old in graph.relations.items():
        edges = sorted(zip(place[old.movie_rows].tolist(), old.entity_index.tolist(), strict=True))
        rows, entities = np.array(edges).T.copy()
        relations[kind] = Relation(old.entity_names, old.entity_vectors, rows, entities)
    moved = KnowledgeGraph(graph.movie_ids[order], relations)
    before, _ = fast(*prepared(graph, features))
    after, _ = fast(*prepared(moved, features[order]))
    torch.testing.assert_close(after, before[order])


def test_the_graph_is_pytorch_geometrics(graph, features) -> None:
    data = to_hetero_data(graph, features)
    assert data.validate()
    assert len(data.edge_types) == 6
    assert data["movie", "has_actor", "actor"].edge_index[1].max() < data["actor"].num_nodes
    torch.testing.assert_close(
        data["genre", "has_genre_rev", "movie"].edge_index,
        data["movie", "has_genre", "genre"].edge_index.flip(0),
    )


def test_negatives_are_uniform_over_the_positives_type(graph, features) -> None:
    data, star, _ = prepared(graph, features)
    targets = build_bpr_edges(data, star)
    generator = torch.Generator().manual_seed(2)
    drawn = torch.stack([sample_negatives(targets, generator) for _ in range(2000)])
    assert (drawn >= targets.first).all()
    assert (drawn < targets.first + targets.choices).all()
    genres = drawn[:, targets.choices == 4].flatten()
    shares = torch.bincount(genres - genres.min(), minlength=4) / len(genres)
    torch.testing.assert_close(shares, torch.full((4,), 0.25), atol=0.01, rtol=0)
