"""Data-parallel training of a network in several processes, under torch's elastic launcher (``torchrun``).

Every process holds the whole network and, of each batch, the targets of its own users (Li et al. 2020,
"PyTorch Distributed: Experiences on Accelerating Data Parallel Training"). Process 0 writes a checkpoint
after each epoch (``reelgraph.runtime.checkpointing``). Workers return nothing to the launching process: it
resumes from the last checkpoint. So do the workers when they restart after one of them was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from jaxtyping import Float64, Int64
from torch import nn
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch
from torch.nn.parallel import DistributedDataParallel

from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import CPU
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.checkpointing import CheckpointDir
from reelgraph.runtime.errors import ParamError, ReelgraphError, TrainingError
from reelgraph.runtime.process_lock import exit_with_parent
from reelgraph.sequences.dataset import UserHistories

ERROR_FILE = "error.json"
"""An error that the processes raised, beside their checkpoints; a restart would raise it again."""

MAX_RESTARTS = 3
"""Restarts of all processes after one of them died."""

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio: multiplication spreads consecutive ids (Knuth, TAOCP 3, 6.4)."""


def assign_users(user_id: Int64[np.ndarray, " users"], processes: int) -> Int64[np.ndarray, " users"]:
    """Return each user's process by a hash of the id, independent of the other users."""
    hashed = (user_id.astype(np.uint64) * np.uint64(HASH_MULTIPLIER)) >> np.uint64(32)
    return (hashed % np.uint64(processes)).astype(np.int64)


class ProcessGroup:
    """A single process that computes all of every batch; base class of ``DistributedProcessGroup``."""

    rank = 0
    """Number of this process; process 0 writes the checkpoints."""

    def __init__(self, device: torch.device = CPU) -> None:
        """Take the device that this process computes on."""
        self.device = device

    def wrap_ddp(self, module: nn.Module) -> nn.Module:
        """Return the module, with equal weights in all processes and gradients averaged over them."""
        return module

    def seed_epoch(self, seed: int, epoch: int) -> None:
        """Seed this process's dropout for an epoch; a single process goes on with its stream."""

    def shard(
        self, histories: UserHistories, index: Int64[np.ndarray, " batch"]
    ) -> tuple[Int64[np.ndarray, " shard"], float]:
        """Return this process's targets of a batch and the weight of their mean loss.

        The mean of the processes' weighted losses is the mean loss of the batch.
        """
        return index, 1.0

    def mean(self, loss: float) -> float:
        """Return the mean over the processes."""
        return loss

    def predict_sharded(
        self,
        histories: UserHistories,
        index: Int64[np.ndarray, " targets"],
        predict: Callable[[Int64[np.ndarray, " shard"]], Float64[np.ndarray, " shard"]],
    ) -> Float64[np.ndarray, " targets"]:
        """Predict each target in the process of its user; return all predictions in every process."""
        return predict(index)


SINGLE_PROCESS = ProcessGroup()


class DistributedProcessGroup(ProcessGroup):
    """The processes of torch's default process group."""

    def __init__(self, device: torch.device) -> None:
        """Take the device that this process computes on."""
        super().__init__(device)
        self.rank = dist.get_rank()
        self.size = dist.get_world_size()

    def wrap_ddp(self, module: nn.Module) -> nn.Module:
        """Wrap the module; buffers, the frozen movie vectors, are equal in all processes anyway."""
        return DistributedDataParallel(module, forward_sync_buffers=False)

    def seed_epoch(self, seed: int, epoch: int) -> None:
        """Seed this process's dropout; a restart repeats it."""
        torch.manual_seed(derive_seed(seed, f"rater/{epoch}/{self.rank}"))

    def shard(
        self, histories: UserHistories, index: Int64[np.ndarray, " batch"]
    ) -> tuple[Int64[np.ndarray, " shard"], float]:
        """Return the targets of this process's users; if there are none, one target of weight 0.

        DistributedDataParallel averages gradients over processes, so the weight is
        ``processes · targets here / targets in the batch``.
        """
        local = index[self._is_local(histories, index)]
        if not len(local):
            return index[:1], 0.0
        return local, self.size * len(local) / len(index)

    def mean(self, loss: float) -> float:
        """Return the mean over the processes."""
        return float(self._all_reduce_sum(np.array([loss]))[0]) / self.size

    def predict_sharded(
        self,
        histories: UserHistories,
        index: Int64[np.ndarray, " targets"],
        predict: Callable[[Int64[np.ndarray, " shard"]], Float64[np.ndarray, " shard"]],
    ) -> Float64[np.ndarray, " targets"]:
        """Predict each target in the process of its user; return all predictions in every process."""
        predictions = np.zeros(len(index))
        is_local = self._is_local(histories, index)
        predictions[is_local] = predict(index[is_local])
        return self._all_reduce_sum(predictions)

    def _is_local(self, histories: UserHistories, index: np.ndarray) -> np.ndarray:
        return assign_users(histories.user_id[histories.users_of(index)], self.size) == self.rank

    def _all_reduce_sum(self, values: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
        total = torch.from_numpy(values)
        dist.all_reduce(total)
        return total.numpy()


@contextmanager
def init_process_group(
    folder: Path, device: torch.device
) -> Iterator[tuple[DistributedProcessGroup, CheckpointDir]]:
    """Join the processes that torch's launcher started with this one; leave them at the end.

    Args:
        folder: of the checkpoints, the same in all processes. An error is written there for ``launch``.
        device: of the processes; each takes one of several GPUs.

    Yields:
        The process group, and its checkpoints: process 0 writes them, all read them.
    """
    exit_with_parent(always=True)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    # NCCL reduces gradients on the GPU, gloo reduces NumPy arrays on the CPU.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    group = DistributedProcessGroup(device)
    try:
        yield group, CheckpointDir(folder, writable=group.rank == 0, always_write=True)
    except ReelgraphError as error:
        if group.rank == 0:
            fields = {name: getattr(error, name) for name in ("where", "expected", "got", "remedy")}
            write_json(fields, folder / ERROR_FILE)
    finally:
        dist.destroy_process_group()


def is_worker() -> bool:
    """Return whether torch's launcher started this process."""
    return dist.is_torchelastic_launched()


def launch(processes: int, module: str, *arguments: str, folder: Path, device: torch.device = CPU) -> None:
    """Run a module in several processes on this machine; restart all when one dies.

    Args:
        processes: number of processes.
        module: run by ``python -m``; it calls ``init_process_group``.
        arguments: of the module.
        folder: of the checkpoints.
        device: of the processes; each takes one GPU.

    Raises:
        ParamError: there are fewer GPUs than processes.
        TrainingError: a process raised an error, or one died more than ``MAX_RESTARTS`` times.
        KeyboardInterrupt: the launcher was interrupted.
    """
    limit = {"cpu": processes, "cuda": torch.cuda.device_count()}.get(device.type, 1)
    if processes > limit:
        raise ParamError("train.processes", f"{limit} at most on {device.type}, a GPU for each",
                         str(processes), "Lower it, or set compute.device to cpu.")  # fmt: skip
    error_file = folder / ERROR_FILE
    error_file.unlink(missing_ok=True)
    try:
        _launch(processes, "-m", module, *arguments)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        raise TrainingError(f"process {rank} of train.processes {processes}", "training to complete",
                            f"exit code {failure.exitcode} after {MAX_RESTARTS} restarts",
                            "See its messages above. A new run resumes from the last epoch.",
                            ) from None  # fmt: skip
    if error_file.exists():
        raise TrainingError(**json.loads(error_file.read_text(encoding="utf-8")))


def _launch(processes: int, *arguments: str) -> None:
    config = LaunchConfig(
        1, 1, processes, run_id="reelgraph", rdzv_backend="c10d", rdzv_endpoint="localhost:0",
        local_addr="localhost", max_restarts=MAX_RESTARTS, signals_to_handle="SIGINT,SIGTERM",
    )  # fmt: skip
    # Otherwise the launcher's store survives a restart, and the new processes look for the dead ones in it:
    # https://github.com/pytorch/pytorch/issues/135712
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        elastic_launch(config, sys.executable)(*arguments)
    except SignalException:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
