"""One instruction set on all x86 processors with AVX2, so that they give the same bytes.

ATen, MKL and OpenBLAS otherwise choose their kernels by the processor, and kernels sum in different orders.
Training amplifies these differences to the fourth decimal of a metric.
"""

from __future__ import annotations

import os
from pathlib import Path

KERNELS = {"ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2", "OPENBLAS_CORETYPE": "Haswell"}
"""Variables that the libraries read once: ATen and MKL at their first operation, OpenBLAS when loaded."""

CPU_INFO = Path("/proc/cpuinfo")


def pin_instruction_set(cpu_info: Path = CPU_INFO) -> None:
    """Let ATen, MKL and OpenBLAS use AVX2 kernels, where the processor has AVX2.

    Call it before NumPy is loaded.

    Args:
        cpu_info: description of the processor; a system without it (not Linux) keeps its kernels.
    """
    flags = cpu_info.read_text(encoding="utf-8", errors="replace").split() if cpu_info.exists() else []
    if "avx2" in flags and "fma" in flags:
        os.environ.update(KERNELS)
