"""Parallel maps: the order of the items, their threads, and errors."""

from __future__ import annotations

import threading

import pytest
import torch

from reelgraph.core.parallel import map_in_threads, parallel_map


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_map_in_threads_returns_results_in_the_order_of_the_items(threads: int) -> None:
    assert map_in_threads(lambda item: item**2, range(50), threads) == [item**2 for item in range(50)]


def test_map_in_threads_computes_as_many_items_at_once_as_there_are_threads() -> None:
    barrier = threading.Barrier(3, timeout=60)
    assert sorted(map_in_threads(lambda _: barrier.wait(), range(3), 3)) == [0, 1, 2]


def test_map_in_threads_raises_the_error_of_an_item() -> None:
    def fail(item: int) -> int:
        if item == 3:
            raise ValueError("item 3")
        return item

    with pytest.raises(ValueError, match="item 3"):
        map_in_threads(fail, range(8), 2)


def test_map_in_threads_does_not_wait_for_items_that_are_computed_after_an_error() -> None:
    is_raised = threading.Event()
    started = threading.Barrier(2, timeout=60)
    completed = []

    def work(item: int) -> None:
        started.wait()
        if item == 0:
            raise ValueError("item 0")
        is_raised.wait(60)
        completed.append(item)

    with pytest.raises(ValueError, match="item 0"):
        map_in_threads(work, range(2), 2)
    assert completed == []
    is_raised.set()


def test_parallel_map_uses_one_thread_per_item_and_restores_their_number() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert parallel_map(lambda _: torch.get_num_threads(), range(4)) == [1, 1, 1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
