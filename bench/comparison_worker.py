"""One side of a comparison: ``python -m bench.comparison_worker STAGE SIDE FOLDER SIZE [DEVICE]``.

A process of its own, so that its peak memory is its own. Writes ``SIDE.npz``, what it computed, and
``SIDE.json``, seconds and peak memory, into the folder.
"""

from __future__ import annotations

import json
import resource
import sys
from importlib import import_module
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

Device = Literal["cpu", "cuda", "mps", "auto"]
"""As ``compute.device``."""


class SideResult(NamedTuple):
    """What a side did."""

    seconds: list[float]
    """Of each repetition within the process; or of the one there was."""
    arrays: dict[str, np.ndarray]
    """What it computed, to be held against the other side's."""


def peak_mb() -> int:
    """Return the most memory that this process has held, MB."""
    try:
        # Not getrusage's, which starts at what the parent held.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) // 1024
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def device_mb() -> int:
    """Return the most memory of a GPU that this process's tensors have held, MB; 0 without one."""
    torch = sys.modules.get("torch")  # not loaded for stages that do without
    return torch.cuda.max_memory_allocated() // 2**20 if torch and torch.cuda.is_initialized() else 0


def main(stage: str, side: str, folder: Path, size: int, device: tuple[str, ...] = ()) -> None:
    """Run a side, on a device where one is named, and write what came of it."""
    ran: SideResult = getattr(import_module(f"bench.stages.{stage}"), side)(folder, size, *device)
    memory = peak_mb()
    np.savez(folder / f"{side}.npz", allow_pickle=False, **ran.arrays)
    text = json.dumps({"seconds": ran.seconds, "peak_mb": memory, "device_mb": device_mb()})
    (folder / f"{side}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), tuple(sys.argv[5:]))
