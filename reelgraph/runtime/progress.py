"""Progress bars for people at a terminal; silent in logs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield the items behind a bar that appears after two seconds, on a terminal only."""
    yield from tqdm(items, desc=what, total=total, delay=2.0, disable=not sys.stderr.isatty())
