"""What is computed again for the gradient, instead of being kept until then."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.utils.checkpoint import checkpoint


def recomputed(function: Callable[..., Tensor], *args: object) -> Tensor:
    """Return ``function(*args)``, keeping nothing of its inside until the gradient is taken.

    The value and its gradient are the same bytes (Chen et al. 2016, "Training Deep Nets with Sublinear
    Memory Cost"). The function may draw no random numbers.
    """
    return checkpoint(function, *args, use_reentrant=False, preserve_rng_state=False)
