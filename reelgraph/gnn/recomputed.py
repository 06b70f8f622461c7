"""What is computed again for the gradient, instead of being kept until then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint, create_selective_checkpoint_contexts

KEPT = [torch.ops.aten.mm.default]
"""Dear to compute: all else is gathering, and arithmetic by element."""


def recomputed(function: Callable[..., Tensor], *args: object) -> Tensor:
    """Return ``function(*args)``, keeping nothing but its matrix products until the gradient is taken.

    The value and its gradient are the same bytes (Chen et al. 2016, "Training Deep Nets with Sublinear
    Memory Cost"). The function may draw no random numbers.
    """
    context = partial(create_selective_checkpoint_contexts, KEPT)
    return checkpoint(function, *args, use_reentrant=False, preserve_rng_state=False, context_fn=context)
