"""The precision of matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch


@contextmanager
def products_in(precision: Literal["float32", "bfloat16"]) -> Iterator[None]:
    """Let products round to bfloat16, where the CPU has it; sums stay float32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if precision == "bfloat16" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def rounds() -> bool:
    """Tell whether products on this CPU are to round to bfloat16."""
    asked = torch.get_float32_matmul_precision() == "medium"
    return asked and torch.ops.mkldnn._is_mkldnn_bf16_supported()
