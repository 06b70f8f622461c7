"""train_gnn, an epoch with gnn.precision bfloat16; the equality that is asserted is float32's."""

from functools import partial

from bench.stages import train_gnn_epoch
from bench.stages.train_gnn_epoch import COUNTS, SIZES, check, prepare, reference

__all__ = ["COUNTS", "GOAL", "SIZES", "check", "prepare", "reelgraph", "reference"]

GOAL = 8

reelgraph = partial(train_gnn_epoch.reelgraph, precision="bfloat16")
