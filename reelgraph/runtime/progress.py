"""Progress bars on a terminal, and no output in logs. All training loops import this and little else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items and show a progress bar after two seconds, on a terminal only.

    Args:
        items: what to iterate over.
        description: text in front of the bar.
        total: number of items, where ``items`` has no length.
    """
    yield from tqdm(items, desc=description, total=total, delay=2.0, disable=not sys.stderr.isatty())
