from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.gnn import link_metrics
from reelgraph.gnn.link_metrics import filtered_ranks, random_ranks, ranking_metrics
from reelgraph.gnn.sparse import NeighbourLists, build_neighbour_lists


def edges_of(pairs: list[tuple[int, int]], queries: int, nodes: int) -> NeighbourLists:
    first, second = torch.tensor(pairs, dtype=torch.int64).T.contiguous()
    return build_neighbour_lists(first, second, (queries, nodes))


def plainly(scores: torch.Tensor, query: int, target: int, known: set[tuple[int, int]]) -> float:
    """Rank one edge: how many candidates are better, and the middle of those that are equal."""
    candidates = [n for n in range(scores.shape[1]) if n == target or (query, n) not in known]
    own = scores[query, target]
    better = sum(bool(scores[query, n] > own) for n in candidates)
    equal = sum(bool(scores[query, n] == own) for n in candidates)
    return better + (1 + equal) / 2


@settings(deadline=None)
@given(st.data())
def test_ranks_are_those_of_a_plain_restatement(data: st.DataObject) -> None:
    queries, nodes = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 7))
    every = [(q, n) for q in range(queries) for n in range(nodes)]
    known = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    asked = data.draw(st.lists(st.sampled_from(known), min_size=1, unique=True))
    # Few values, so that ties are many.
    cells = data.draw(st.lists(st.integers(0, 3), min_size=len(every), max_size=len(every)))
    scores = torch.tensor(cells).float().view(queries, nodes)
    first, second = torch.tensor(asked).T.contiguous()
    found = filtered_ranks(lambda rows: scores[rows], first, second, edges_of(known, queries, nodes))
    assert found.tolist() == [plainly(scores, q, n, set(known)) for q, n in asked]


def test_equal_scores_share_the_mean_rank_and_known_neighbours_drop_out() -> None:
    known = edges_of([(0, 0), (0, 4)], 1, 5)
    queries, targets = torch.tensor([0, 0]), torch.tensor([0, 4])
    same = filtered_ranks(lambda rows: torch.zeros(len(rows), 5), queries, targets, known)
    assert same.tolist() == [2.5, 2.5]
    rising = filtered_ranks(lambda rows: torch.arange(5.0).expand(len(rows), -1), queries, targets, known)
    assert rising.tolist() == [4, 1]


def test_ranks_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 4, (30, 20), generator=drawn).float()
    first, second = torch.rand(30, 20, generator=drawn).gt(0.6).nonzero().T.contiguous()
    known = build_neighbour_lists(first, second, (30, 20))
    before = filtered_ranks(lambda rows: scores[rows], first, second, known)
    monkeypatch.setattr(link_metrics, "CELLS", 70)
    assert torch.equal(filtered_ranks(lambda rows: scores[rows], first, second, known), before)


def test_random_scores_rank_uniformly_among_the_candidates() -> None:
    known = edges_of([(0, n) for n in range(5)], 1, 12)
    queries = torch.zeros(40_000, dtype=torch.int64)
    ranks = random_ranks(queries, known, torch.Generator().manual_seed(1))
    shares = torch.bincount(ranks.long(), minlength=9)[1:] / len(ranks)
    torch.testing.assert_close(shares, torch.full((8,), 1 / 8), atol=0.01, rtol=0)


def test_measures_have_known_answers() -> None:
    found = ranking_metrics(torch.tensor([1.0, 2.0, 4.0, 20.0], dtype=torch.float64))
    assert found == {"mrr": (1 + 0.5 + 0.25 + 0.05) / 4, "hits_1": 0.25, "hits_3": 0.5, "hits_10": 0.75}
