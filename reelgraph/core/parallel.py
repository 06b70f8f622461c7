"""Parallel map over independent items, with one thread per item."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")


def parallel_map(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return ``[function(item) for item in items]``, computed on as many threads as torch may use.

    Each item is computed by a single thread. This suits items of many small operations, for which the
    threads of BLAS or torch would mostly wait for each other. Results do not depend on the number of threads.
    """
    import torch  # here, as ``map_in_threads`` does not need it

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return map_in_threads(function, items, threads, partial(torch.set_num_threads, 1))
    finally:
        torch.set_num_threads(threads)


def map_in_threads(
    function: Callable[[T], R],
    items: Iterable[T],
    threads: int,
    initializer: Callable[[], None] | None = None,
) -> list[R]:
    """Return ``[function(item) for item in items]``, with one thread of BLAS for each item.

    Args:
        function: spends most of its time in native code, without Python's lock.
        items: the first ones are started first.
        threads: items that are computed at once.
        initializer: called once in each thread.
    """
    with _thread_pools().limit(limits=1):
        executor = ThreadPoolExecutor(threads, initializer=initializer)
        try:
            return list(executor.map(function, items))
        finally:  # after Ctrl-C, an item that is being computed is not waited for
            executor.shutdown(wait=False, cancel_futures=True)


@cache
def _thread_pools() -> ThreadpoolController:
    """Return the controller of the native libraries' threads; finding them takes milliseconds."""
    return ThreadpoolController()
