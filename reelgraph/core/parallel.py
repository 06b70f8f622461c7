"""Parallel map over independent items, with one thread per item."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")


def parallel_map(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return ``[function(item) for item in items]``, computed on as many threads as torch may use.

    Each item is computed by a single thread. This suits items of many small operations, for which the
    threads of BLAS or torch would mostly wait for each other. Results do not depend on the number of threads.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            _thread_pools().limit(limits=1),
            ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as executor,
        ):
            return list(executor.map(function, items))
    finally:
        torch.set_num_threads(threads)


@cache
def _thread_pools() -> ThreadpoolController:
    """Return the controller of the native libraries' threads; finding them takes milliseconds."""
    return ThreadpoolController()
