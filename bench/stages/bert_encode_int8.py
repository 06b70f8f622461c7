"""bert_encode with text.precision int8, which keeps the order of similarities; measured by ``--only``."""

from functools import partial

import numpy as np

from bench.stages import bert_encode
from bench.stages.bert_encode import COUNTS, SIZES, prepare, reference
from reelgraph.text.int8 import MIN_SPEARMAN, agreement

__all__ = ["COUNTS", "GOAL", "SIZES", "check", "prepare", "reelgraph", "reference"]

GOAL = 5

reelgraph = partial(bert_encode.reelgraph, precision="int8")


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """The order of similarities is kept."""
    spearman, _ = agreement(reference["vectors"], reelgraph["vectors"])
    assert spearman >= MIN_SPEARMAN, f"Spearman's correlation {spearman:.4f}"
