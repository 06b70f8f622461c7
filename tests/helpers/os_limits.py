"""A process that may write no more: a full disk, and folders without the right to."""

from __future__ import annotations

import contextlib
import ctypes
import resource
from collections.abc import Iterator
from pathlib import Path

CAP_DAC_OVERRIDE = 1
VERSION_3 = 0x20080522
"""Of Linux' capget and capset."""


@contextlib.contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Let no file grow beyond this many bytes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write away from a folder and all below, and from root the power to write anyway."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for subfolder in folders:
        subfolder.chmod(0o555)
    capabilities = _capabilities()
    _set_capabilities(
        [word & ~(1 << CAP_DAC_OVERRIDE) if i == 0 else word for i, word in enumerate(capabilities)]
    )
    try:
        yield
    finally:
        _set_capabilities(capabilities)
        for subfolder in folders:
            subfolder.chmod(0o755)


def _capabilities() -> list[int]:
    """Return effective, permitted and inheritable, twice 32 bits each."""
    words = (ctypes.c_uint32 * 6)()
    _call("capget", words)
    return list(words)


def _set_capabilities(words: list[int]) -> None:
    _call("capset", (ctypes.c_uint32 * 6)(*words))


def _call(name: str, words: ctypes.Array) -> None:
    header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    if getattr(ctypes.CDLL(None, use_errno=True), name)(header, words):
        raise OSError(ctypes.get_errno(), name)
