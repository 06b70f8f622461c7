"""Setting torch up so that the same inputs give the same bytes."""

from __future__ import annotations

import ctypes
import os
import sys

# Threads that spin while they wait for long make a step ten times slower on a machine that has other work
# too; that never spin, 1.4 times slower on one that hasn't. OpenMP reads this once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# What CUDA needs to repeat its matrix products, and Metal for operations that it lacks; read once, too.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

import torch

from reelgraph.params.base import Compute
from reelgraph.runtime.errors import ParamError

CPU = torch.device("cpu")

M_TRIM_THRESHOLD, M_MMAP_MAX, NEVER = -1, -4, -1
"""From glibc's malloc.h; see mallopt(3)."""


def configure_torch(params: Compute, retain_freed_memory: bool = True) -> torch.device:
    """Fix the number of threads, and refuse algorithms whose result varies; return the device to compute on.

    On a GPU such algorithms are avoided where there is another one.

    Args:
        params: threads and device.
        keep: memory that is freed stays with the process, which is quick where the same is allocated again
            and again. What grows leaves holes then.

    Raises:
        ParamError: the device isn't there.
    """
    device = _device(params)
    if retain_freed_memory:
        _keep_memory()
    torch.set_num_threads(params.threads)
    # As use_deterministic_algorithms, which loads torch's compiler besides: a second of CPU time a stage.
    torch.set_deterministic_debug_mode("error" if device == CPU else "warn")
    # CUDA's fused attentions sum their gradients in any order.
    torch.backends.cuda.enable_mem_efficient_sdp(device.type != "cuda")
    torch.backends.cuda.enable_flash_sdp(device.type != "cuda")
    # Filling fresh memory only guards against reading it before it is written, and costs 6 % of a GNN epoch.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return device


def _keep_memory() -> None:
    """Have glibc hand out again what was freed, however large, instead of giving it back to the system.

    A step of training frees matrices of 100 MB and more and takes as many anew, whose pages the system would
    fill with zeros each time: two fifths of the GNN's time at the reference's full size.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, NEVER)


def device_suffix(device: torch.device, params: Compute) -> str:
    """Return what a stage's summary says of the device, where it may be another than the CPU."""
    return "" if params.device == "cpu" else f", on {device.type}"


def _device(params: Compute) -> torch.device:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if params.device == "auto":
        return torch.device(next(name for name, found in there.items() if found))
    if not there[params.device]:
        found = ", ".join(name for name, found in there.items() if found)
        raise ParamError("compute.device", f"a device that torch {torch.__version__} finds here: {found}",
                         params.device, "Set it to cpu or auto, or install a torch with it.")  # fmt: skip
    return torch.device(params.device)
