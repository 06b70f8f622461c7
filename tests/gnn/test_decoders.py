from __future__ import annotations

import pytest
import torch

from reelgraph.gnn.decoders import Decoder, DotProductDecoder
from reelgraph.gnn.link_prediction import KGE_MODELS, KgeModel

N_MOVIES = 6
ENTITY_COUNTS = {"actor": 5, "genre": 3}


def dot_product_decoder() -> DotProductDecoder:
    generator = torch.Generator().manual_seed(0)
    return DotProductDecoder(
        torch.randn(N_MOVIES, 4, generator=generator),
        {name: torch.randn(count, 4, generator=generator) for name, count in ENTITY_COUNTS.items()},
        {name: torch.randn(4, generator=generator) for name in ENTITY_COUNTS},
        {name: torch.randn(N_MOVIES, generator=generator) for name in ENTITY_COUNTS},
        {name: torch.randn(count, generator=generator) for name, count in ENTITY_COUNTS.items()},
    )


def kge_model(name: str) -> KgeModel:
    torch.manual_seed(0)
    return KgeModel(name, tuple(ENTITY_COUNTS), N_MOVIES, tuple(ENTITY_COUNTS.values()), 4)


def make_decoder(name: str) -> Decoder:
    return dot_product_decoder() if name == "dot_product" else kge_model(name)()


@pytest.mark.parametrize("name", ["dot_product", *KGE_MODELS])
def test_score_all_and_score_pairs_agree(name: str) -> None:
    scores = make_decoder(name)
    for entity_type, count in ENTITY_COUNTS.items():
        movie_side, entity_side = scores.sides(entity_type)
        table = scores.score_all(movie_side, entity_side, torch.arange(N_MOVIES))
        assert table.shape == (N_MOVIES, count)
        movies = torch.tensor([5, 0, 0])
        entities = torch.tensor([2, 1, 2])
        pairs = scores.score_pairs(movie_side, entity_side, movies, entities)
        torch.testing.assert_close(pairs, table[movies, entities])
        transposed = scores.score_all(entity_side, movie_side, entities)
        torch.testing.assert_close(transposed, table.T[entities])


@pytest.mark.parametrize("name", KGE_MODELS)
def test_kge_model_scores_match_pytorch_geometric(name: str) -> None:
    model = kge_model(name)
    scale = 1.0 if model.scale is None else model.scale.item()
    first_entity = N_MOVIES
    for relation, (entity_type, count) in enumerate(ENTITY_COUNTS.items()):
        movies, entities = torch.cartesian_prod(torch.arange(N_MOVIES), torch.arange(count)).T
        expected = model.inner(movies, torch.full_like(movies, relation), first_entity + entities)
        scores = model()
        pairs = scores.score_pairs(*scores.sides(entity_type), movies, entities)
        torch.testing.assert_close(pairs, scale * expected)
        first_entity += count
