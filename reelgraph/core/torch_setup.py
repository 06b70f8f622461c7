"""Set-up of torch: threads, determinism, memory, device, and the data type of matrix products.

Nothing here is ambient: callers get a device and a data type, and pass them on.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Literal

# OpenMP reads these once, when torch is loaded. With threads that spin for long, a step is ten times slower
# on a busy machine; with threads that never spin, it is 1.4 times slower on an idle one.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
# Required for deterministic matrix products on CUDA, and for operations that Metal lacks; also read once.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")

import torch

from reelgraph.params.base import Compute
from reelgraph.runtime.errors import ParamError

CPU = torch.device("cpu")

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
"""Parameters of glibc's mallopt(3), from malloc.h."""

AVX512_CORE = ("avx512_f", "avx512_bw", "avx512_dq", "avx512_vl")
"""CPU features with which oneDNN multiplies in bfloat16."""


def configure_torch(params: Compute, retain_freed_memory: bool = True) -> torch.device:
    """Set the number of threads, require deterministic algorithms, and return the device to compute on.

    On a GPU, a non-deterministic algorithm gives a warning instead of an error.

    Args:
        params: threads and device.
        retain_freed_memory: freed memory stays with the process. This is fast where arrays of the same size
            are allocated repeatedly; arrays that grow leave gaps.

    Raises:
        ParamError: the device is not available.
    """
    device = _device(params)
    if retain_freed_memory:
        _retain_freed_memory()
    torch.set_num_threads(params.threads)
    # Like use_deterministic_algorithms, which also imports torch's compiler: one second of CPU time.
    torch.set_deterministic_debug_mode("error" if device == CPU else "warn")
    # CUDA's fused attention kernels sum gradients in no fixed order.
    torch.backends.cuda.enable_mem_efficient_sdp(device.type != "cuda")
    torch.backends.cuda.enable_flash_sdp(device.type != "cuda")
    # Filling new memory only guards against reading it before it is written; it costs 6 % of a GNN epoch.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return device


def matmul_dtype(precision: Literal["float32", "bfloat16"], device: torch.device) -> torch.dtype:
    """Return the data type to which the factors of a matrix product are rounded; sums stay in float32.

    bfloat16 is used on CPUs that support it, and float32 everywhere else. The CPU's features decide, not the
    kernels that ``pin_instruction_set`` leaves to ATen: oneDNN computes these products by its own.
    """
    if precision == "float32" or device.type != "cpu":
        return torch.float32
    features = torch.cpu.get_capabilities()
    supported = all(features.get(name) for name in AVX512_CORE) or features.get("bf16")
    return torch.bfloat16 if supported else torch.float32


def device_suffix(device: torch.device, params: Compute) -> str:
    """Return ``, on DEVICE`` for the summary of a stage, or nothing if ``compute.device`` is cpu."""
    return "" if params.device == "cpu" else f", on {device.type}"


def _retain_freed_memory() -> None:
    """Let glibc keep freed memory of any size for later allocations, instead of returning it to the system.

    A training step frees and allocates matrices of 100 MB and more. The system would fill their pages with
    zeros each time, which took two fifths of the GNN's time at the reference's full size.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        never = -1
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, never)


def _device(params: Compute) -> torch.device:
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    names = [name for name, is_available in available.items() if is_available]
    if params.device == "auto":
        return torch.device(names[0])
    if params.device not in names:
        expected = f"a device that torch {torch.__version__} finds here: {', '.join(names)}"
        remedy = "Set it to cpu or auto, or install a torch with it."
        raise ParamError("compute.device", expected, params.device, remedy)
    return torch.device(params.device)
