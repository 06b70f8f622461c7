"""Independent work on several threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch
from threadpoolctl import ThreadpoolController

T = TypeVar("T")
R = TypeVar("R")


def parallel_map(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Do independent work on as many threads as torch may use, every item by one of them alone.

    For items of many small operations, on which a library's threads would wait for one another. Results
    come in the order of the items and don't depend on the number of threads.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            _libraries().limit(limits=1),
            ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1)) as pool,
        ):
            return list(pool.map(work, items))
    finally:
        torch.set_num_threads(threads)


@cache
def _libraries() -> ThreadpoolController:
    """Those with threads of their own; looking for them takes milliseconds."""
    return ThreadpoolController()
