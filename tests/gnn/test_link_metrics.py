from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.gnn import link_metrics
from reelgraph.gnn.link_metrics import filtered_ranks, random_ranks, ranking_metrics
from reelgraph.gnn.sparse import NeighbourLists, build_neighbour_lists


def lists_of(pairs: list[tuple[int, int]], queries: int, nodes: int) -> NeighbourLists:
    first, second = torch.tensor(pairs, dtype=torch.int64).T.contiguous()
    return build_neighbour_lists(first, second, (queries, nodes))


def expected_rank(scores: torch.Tensor, query: int, target: int, neighbours: set[tuple[int, int]]) -> float:
    """Rank one edge: the number of better candidates, and half of the equal ones."""
    candidates = [n for n in range(scores.shape[1]) if n == target or (query, n) not in neighbours]
    target_score = scores[query, target]
    better = sum(bool(scores[query, n] > target_score) for n in candidates)
    equal = sum(bool(scores[query, n] == target_score) for n in candidates)
    return better + (1 + equal) / 2


@settings(deadline=None)
@given(st.data())
def test_filtered_ranks_match_ranks_computed_one_by_one(data: st.DataObject) -> None:
    queries = data.draw(st.integers(1, 5))
    nodes = data.draw(st.integers(1, 7))
    pairs = [(q, n) for q in range(queries) for n in range(nodes)]
    training_pairs = data.draw(st.lists(st.sampled_from(pairs), min_size=1, unique=True))
    edges = data.draw(st.lists(st.sampled_from(training_pairs), min_size=1, unique=True))
    # Few values, so that ties are many.
    cells = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    scores = torch.tensor(cells).float().view(queries, nodes)
    first, second = torch.tensor(edges).T.contiguous()
    ranks = filtered_ranks(lambda rows: scores[rows], first, second, lists_of(training_pairs, queries, nodes))
    assert ranks.tolist() == [expected_rank(scores, q, n, set(training_pairs)) for q, n in edges]


def test_filtered_ranks_average_ties_and_drop_known_neighbours() -> None:
    lists = lists_of([(0, 0), (0, 4)], 1, 5)
    queries = torch.tensor([0, 0])
    targets = torch.tensor([0, 4])
    tied = filtered_ranks(lambda rows: torch.zeros(len(rows), 5), queries, targets, lists)
    assert tied.tolist() == [2.5, 2.5]
    rising = filtered_ranks(lambda rows: torch.arange(5.0).expand(len(rows), -1), queries, targets, lists)
    assert rising.tolist() == [4, 1]


def test_filtered_ranks_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, 4, (30, 20), generator=generator).float()
    first, second = torch.rand(30, 20, generator=generator).gt(0.6).nonzero().T.contiguous()
    lists = build_neighbour_lists(first, second, (30, 20))
    expected = filtered_ranks(lambda rows: scores[rows], first, second, lists)
    monkeypatch.setattr(link_metrics, "MAX_SCORES", 70)
    assert torch.equal(filtered_ranks(lambda rows: scores[rows], first, second, lists), expected)


def test_random_ranks_are_uniform_among_the_candidates() -> None:
    lists = lists_of([(0, n) for n in range(5)], 1, 12)
    queries = torch.zeros(40_000, dtype=torch.int64)
    ranks = random_ranks(queries, lists, torch.Generator().manual_seed(1))
    fractions = torch.bincount(ranks.long(), minlength=9)[1:] / len(ranks)
    torch.testing.assert_close(fractions, torch.full((8,), 1 / 8), atol=0.01, rtol=0)


def test_ranking_metrics_have_known_answers() -> None:
    metrics = ranking_metrics(torch.tensor([1.0, 2.0, 4.0, 20.0], dtype=torch.float64))
    assert (metrics["hits_1"], metrics["hits_3"], metrics["hits_10"]) == (0.25, 0.5, 0.75)
    assert metrics["mrr"] == (1 + 0.5 + 0.25 + 0.05) / 4


def test_ranking_metrics_interval_holds_the_mean_of_all_edges() -> None:
    ranks = 1 / torch.rand(200, 400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = [ranking_metrics(sample) for sample in ranks]
    is_inside = [row["mrr_low"] <= 0.5 <= row["mrr_high"] for row in rows]
    assert 0.9 < sum(is_inside) / len(rows) < 0.99
