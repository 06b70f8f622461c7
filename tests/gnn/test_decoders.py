from __future__ import annotations

import pytest
import torch

from reelgraph.gnn.decoders import ALL_NODES, DotProductDecoder
from reelgraph.gnn.link_prediction import KGE_MODELS, KgeModel

KINDS, MOVIES, SIZES = ("actor", "genre"), 6, (5, 3)


def dots() -> DotProductDecoder:
    drawn = torch.Generator().manual_seed(0)
    sizes = dict(zip(KINDS, SIZES, strict=True))
    return DotProductDecoder(
        torch.randn(MOVIES, 4, generator=drawn),
        {kind: torch.randn(size, 4, generator=drawn) for kind, size in sizes.items()},
        {kind: torch.randn(4, generator=drawn) for kind in KINDS},
        {kind: torch.randn(MOVIES, generator=drawn) for kind in KINDS},
        {kind: torch.randn(size, generator=drawn) for kind, size in sizes.items()},
    )


def scores_of(name: str):
    if name == "dots":
        return dots()
    torch.manual_seed(0)
    return KgeModel(name, KINDS, MOVIES, SIZES, 4)()


@pytest.mark.parametrize("name", ["dots", *KGE_MODELS])
def test_a_table_and_its_pairs_agree(name: str) -> None:
    scores = scores_of(name)
    for kind, size in zip(KINDS, SIZES, strict=True):
        every = scores.table(kind, ALL_NODES, ALL_NODES)
        assert every.shape == (MOVIES, size)
        movies, entities = torch.tensor([5, 0, 0]), torch.tensor([2, 1, 2])
        torch.testing.assert_close(
            scores.pairs(*scores.ends(kind), movies, entities), every[movies, entities]
        )
        torch.testing.assert_close(scores.table(kind, movies, entities), every[movies][:, entities])


@pytest.mark.parametrize("name", KGE_MODELS)
def test_edge_models_score_as_pytorch_geometrics(name: str) -> None:
    torch.manual_seed(0)
    model = KgeModel(name, KINDS, MOVIES, SIZES, 4)
    scale = 1.0 if model.scale is None else model.scale.item()
    start = MOVIES
    for relation, (kind, size) in enumerate(zip(KINDS, SIZES, strict=True)):
        movies, entities = torch.cartesian_prod(torch.arange(MOVIES), torch.arange(size)).T
        theirs = model.inner(movies, torch.full_like(movies, relation), start + entities)
        scores = model()
        torch.testing.assert_close(scores.pairs(*scores.ends(kind), movies, entities), scale * theirs)
        start += size
