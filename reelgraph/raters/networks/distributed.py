"""Training in several processes, on one machine or many, under torch's elastic launcher (``torchrun``).

Every process has the network; of each batch it has the targets of its own users (Li et al. 2020, "PyTorch
Distributed: Experiences on Accelerating Data Parallel Training"). Process 0 keeps the state of each epoch
(``reelgraph.runtime.checkpointing``), so that the processes need not hand anything back: whoever starts them finds the
state of the last epoch, and goes on from there. So does a team that starts again after one of it was killed.
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
from reelgraph.params.model import TrainRaterParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.checkpointing import CheckpointDir
from reelgraph.runtime.errors import ParamError, ReelgraphError, TrainingError
from reelgraph.runtime.process_lock import exit_with_parent
from reelgraph.sequences.dataset import UserHistories

ERROR_FILE = "refused.json"
"""What the processes refused, among their states; starting again would not help."""

MAX_RESTARTS = 3
"""How often the processes start again after one of them has died."""

HASH_MULTIPLIER = 0x9E3779B97F4A7C15
"""2^64 by the golden ratio: a product with it spreads consecutive ids (Knuth, TAOCP 3, 6.4)."""


def assign_users(user_id: Int64[np.ndarray, " users"], processes: int) -> Int64[np.ndarray, " users"]:
    """Return each user's process, by a hash of the id: the same whatever other users there are."""
    hashed = (user_id.astype(np.uint64) * np.uint64(HASH_MULTIPLIER)) >> np.uint64(32)
    return (hashed % np.uint64(processes)).astype(np.int64)


class ProcessGroup:
    """One process, which has all of every batch."""

    rank = 0
    """This process's number; 0 keeps the states."""

    def __init__(self, device: torch.device = CPU) -> None:
        """Take the device that this process computes on."""
        self.device = device

    def wrap_ddp(self, module: nn.Module) -> nn.Module:
        """Return the module such that every process has its weights, and the mean of all gradients."""
        return module

    def seed_epoch(self, seed: int, epoch: int) -> None:
        """Get ready for an epoch."""

    def shard(
        self, histories: UserHistories, index: Int64[np.ndarray, " batch"]
    ) -> tuple[Int64[np.ndarray, " mine"], float]:
        """Return this process's targets of a batch, and what their mean loss weighs.

        The weights are such that the mean of the processes' losses is the mean over the batch.
        """
        return index, 1.0

    def mean(self, loss: float) -> float:
        """Return the mean of the processes' numbers."""
        return loss

    def predict_sharded(
        self,
        histories: UserHistories,
        index: Int64[np.ndarray, " targets"],
        predict: Callable[[Int64[np.ndarray, " mine"]], Float64[np.ndarray, " mine"]],
    ) -> Float64[np.ndarray, " targets"]:
        """Predict each target in the process that has its user; every process gets all."""
        return predict(index)


SINGLE_PROCESS = ProcessGroup()


class DistributedProcessGroup(ProcessGroup):
    """The processes of the default group."""

    def __init__(self, device: torch.device) -> None:
        """Take the device that this process computes on."""
        super().__init__(device)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def wrap_ddp(self, module: nn.Module) -> nn.Module:
        """Wrap the module; its buffers, the frozen movie vectors, are everywhere the same."""
        return DistributedDataParallel(module, forward_sync_buffers=False)

    def seed_epoch(self, seed: int, epoch: int) -> None:
        """Give each process dropout of its own, which a restart repeats."""
        torch.manual_seed(derive_seed(seed, f"rater/{epoch}/{self.rank}"))

    def shard(
        self, histories: UserHistories, index: Int64[np.ndarray, " batch"]
    ) -> tuple[Int64[np.ndarray, " mine"], float]:
        """Return the targets of this process's users; where it has none, one that weighs nothing.

        DistributedDataParallel takes the mean of the gradients over processes, so that a process weighs
        ``processes · its targets / all targets``.
        """
        mine = index[self._is_local(histories, index)]
        return (mine, self.size * len(mine) / len(index)) if len(mine) else (index[:1], 0.0)

    def mean(self, loss: float) -> float:
        """Return the mean of the processes' numbers."""
        return float(self._all_reduce_sum(np.array([loss]))[0]) / self.size

    def predict_sharded(
        self,
        histories: UserHistories,
        index: Int64[np.ndarray, " targets"],
        predict: Callable[[Int64[np.ndarray, " mine"]], Float64[np.ndarray, " mine"]],
    ) -> Float64[np.ndarray, " targets"]:
        """Predict each target in the process that has its user; every process gets all."""
        found, mine = np.zeros(len(index)), self._is_local(histories, index)
        found[mine] = predict(index[mine])
        return self._all_reduce_sum(found)

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
    """Join the processes that torch's launcher has started with this one; leave with them.

    Args:
        folder: of the states, the same in all processes. A refusal is noted there for ``launch``.
        device: that they compute on; of several GPUs each takes its own.

    Yields:
        The team, and its states: process 0 writes them, all read them.
    """
    exit_with_parent(always=True)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    # Gradients travel by the device's own library, numbers that NumPy has by gloo.
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
    team = DistributedProcessGroup(device)
    try:
        yield team, CheckpointDir(folder, writable=team.rank == 0, always_write=True)
    except ReelgraphError as error:
        if team.rank == 0:
            parts = {name: getattr(error, name) for name in ("where", "expected", "got", "remedy")}
            write_json(parts, folder / ERROR_FILE)
    finally:
        dist.destroy_process_group()


def is_worker() -> bool:
    """Tell whether torch's launcher started this process."""
    return dist.is_torchelastic_launched()


def launch(
    params: TrainRaterParams, module: str, *arguments: str, folder: Path, device: torch.device = CPU
) -> None:
    """Run a module in ``train.processes`` processes on this machine; start all again where one dies.

    Args:
        params: what they train.
        module: what ``python -m`` runs; it calls ``joined``.
        arguments: the module's.
        folder: of their states.
        device: that they compute on.

    Raises:
        ParamError: the rater learns in one process, or there are fewer GPUs than processes.
        TrainingError: they refused something, or died more than ``RESTARTS`` times.
        KeyboardInterrupt: somebody stopped them.
    """
    processes, refused = params.train.processes, folder / ERROR_FILE
    if params.model.type == "gp":
        raise ParamError("train.processes", "1 with model.type gp, which learns in one process",
                         str(processes), "Set it to 1, or model.type to attention.")  # fmt: skip
    most = {"cpu": processes, "cuda": torch.cuda.device_count()}.get(device.type, 1)
    if processes > most:
        raise ParamError("train.processes", f"{most} at most on {device.type}, a GPU for each",
                         str(processes), "Lower it, or set compute.device to cpu.")  # fmt: skip
    refused.unlink(missing_ok=True)
    try:
        _run(processes, "-m", module, *arguments)
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        raise TrainingError(f"process {rank} of train.processes {processes}", "training to its end",
                            f"exit code {failure.exitcode} after {MAX_RESTARTS} restarts",
                            "What it said is above. Started again, the run goes on from its last epoch.",
                            ) from None  # fmt: skip
    if refused.exists():
        raise TrainingError(**json.loads(refused.read_text(encoding="utf-8")))


def _run(processes: int, *arguments: str) -> None:
    config = LaunchConfig(
        1, 1, processes, run_id="reelgraph", rdzv_backend="c10d", rdzv_endpoint="localhost:0",
        local_addr="localhost", max_restarts=MAX_RESTARTS, signals_to_handle="SIGINT,SIGTERM",
    )  # fmt: skip
    # Otherwise the launcher's store outlives a restart, and the new processes look for the dead ones in it:
    # https://github.com/pytorch/pytorch/issues/135712
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        elastic_launch(config, sys.executable)(*arguments)
    except SignalException:
        raise KeyboardInterrupt from None
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
