"""Checkpoints of long computations: a killed run continues where it stopped, and ends with the same bytes.

Checkpoints are stored outside of what DVC tracks. Their folder is named by a hash of everything the result
depends on: inputs, params, the package's code, torch's version, the processor's instruction set and the
threads. So a run only ever continues from a checkpoint that it would have reached by itself.

A part of a computation may depend on fewer params. Its result is named by a hash of these, and stays for
later runs (``CheckpointDir.result``).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reelgraph.params.base import StageParams
from reelgraph.runtime.atomic_io import Json
from reelgraph.runtime.errors import ArtifactError
from reelgraph.runtime.process_lock import CHECKPOINT_ROOT
from reelgraph.runtime.safetensors_io import read_metadata, read_tensors, write_tensors

MIN_WRITE_INTERVAL_FACTOR = 20
"""Pause between two checkpoints, in multiples of the time that the last write took: 5 % overhead at most."""

RESULT_ROOT = Path(".cache/results")
"""Folder for results of parts of computations; ignored by git and DVC."""

MAX_RESULTS = 8
"""Results that are kept of a stage: the last ones that were written or read."""

PACKAGE = Path(__file__).parents[1]
ALL_PACKAGES = ("",)
"""The packages that results depend on if the caller names none, as folders under ``reelgraph``."""


@dataclass
class TrainingState:
    """Everything that training changes: model, optimizer, learning-rate schedule and random generators."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator | torch.Generator | None = None
    """Generator for the order of rows, or for samples. Torch's global generator is saved in any case."""
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Return the model's weights, the optimizer's moments and the states of torch's generators."""
        tensors = {f"model.{name}": weight for name, weight in self.model.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
        tensors["torch_rng"] = torch.get_rng_state()
        if isinstance(self.rng, torch.Generator):
            tensors["rng"] = self.rng.get_state()
        return tensors

    def metadata(self) -> dict[str, Json]:
        """Return the learning rates, the schedule's state and the state of NumPy's generator."""
        metadata: dict[str, Json] = {"learning_rates": [group["lr"] for group in self.optimizer.param_groups]}
        if self.schedule:
            metadata["schedule"] = self.schedule.state_dict()
        if isinstance(self.rng, np.random.Generator):
            metadata["rng"] = dict(self.rng.bit_generator.state)
        return metadata

    def save(self, checkpoint: Checkpoint, completed: int, extra: Mapping[str, Tensor] | None = None) -> None:
        """Save the state after ``completed`` epochs, with the tensors of ``extra``."""
        checkpoint.save(completed, {**self.tensors(), **(extra or {})}, self.metadata())

    def restore(self, checkpoint: Checkpoint) -> None:
        """Load the state from the checkpoint; do nothing if it is empty."""
        if not checkpoint.completed:
            return
        tensors = checkpoint.tensors
        metadata = checkpoint.metadata
        self.model.load_state_dict(select_prefix(tensors, "model"))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in select_prefix(tensors, "optimizer").items():
            number, _, name = key.partition(".")
            moments.setdefault(int(number), {})[name] = value
        param_groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": param_groups})
        learning_rates: Any = metadata["learning_rates"]
        for group, rate in zip(self.optimizer.param_groups, learning_rates, strict=True):
            group["lr"] = rate
        if self.schedule:
            self.schedule.load_state_dict(metadata["schedule"])  # type: ignore[arg-type]
        torch.set_rng_state(tensors["torch_rng"])
        if isinstance(self.rng, torch.Generator):
            self.rng.set_state(tensors["rng"])
        elif self.rng:
            self.rng.bit_generator.state = metadata["rng"]  # type: ignore[assignment]


def select_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names start with ``prefix.``, under their names without it."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


@dataclass
class Checkpoint:
    """The checkpoint of one computation, in memory and, once saved, in its file."""

    path: Path | None
    """The file; None: nothing is written."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)
    """One JSON value per epoch; saved with the rest."""
    always_write: bool = False
    """Write every checkpoint, however long that takes."""
    _next_write: float = 0.0

    @property
    def completed(self) -> int:
        """Epochs or rows that were completed at the last save; 0 without one."""
        return int(str(self.metadata.get("completed", 0)))

    def save(
        self, completed: int, tensors: Mapping[str, Tensor], metadata: Mapping[str, Json] | None = None
    ) -> None:
        """Write the checkpoint, unless the last write was too recent (``MIN_WRITE_INTERVAL_FACTOR``)."""
        start = time.monotonic()
        if self.path and (self.always_write or start >= self._next_write):
            write_tensors(tensors, self.path, {**(metadata or {}), "log": self.log, "completed": completed})
            now = time.monotonic()
            self._next_write = now + MIN_WRITE_INTERVAL_FACTOR * (now - start)


@dataclass(frozen=True)
class CheckpointDir:
    """The folder with all checkpoints of one run."""

    folder: Path | None = None
    """None: nothing is read or written."""
    writable: bool = True
    """False: checkpoints are read, and another process writes them."""
    always_write: bool = False
    """Write every checkpoint, however long that takes."""
    results: Path | None = None
    """The folder with results of parts, which outlives the run; None: they are among the checkpoints."""
    results_key: str = ""
    """What all of these results depend on."""

    def subdirectory(self, name: str) -> CheckpointDir:
        """Return the folder for the checkpoints of a part of this run."""
        folder = self.folder and self.folder / name
        return replace(self, folder=folder, results_key=f"{self.results_key}/{name}")

    def result(self, name: str, params: Mapping[str, Any]) -> Checkpoint:
        """Return the result ``name`` of a part that depends on ``params``, inputs and code alone.

        It is completed if a run has saved it before. At most ``MAX_RESULTS`` of a stage are kept.
        """
        folder = self.results or self.folder
        key = _hash_json([self.results_key, params])
        result = replace(self, folder=folder, always_write=True).checkpoint(f"{name}-{key}")
        if result.path and result.completed:
            result.path.touch()
        return result

    def checkpoint(self, name: str) -> Checkpoint:
        """Return the checkpoint ``name``, with its content if it was saved before."""
        if self.folder is None:
            return Checkpoint(None)
        path = self.folder / f"{name}.safetensors"
        output_path = path if self.writable else None
        try:
            tensors = read_tensors(path)
            metadata = read_metadata(path)
        except ArtifactError:  # none yet, or a damaged file
            return Checkpoint(output_path, always_write=self.always_write)
        return Checkpoint(output_path, tensors, metadata, metadata["log"], self.always_write)


NO_CHECKPOINTS = CheckpointDir()


@contextmanager
def resumable(
    stage: str, params: StageParams, inputs: Sequence[Path | str], packages: Sequence[str] = ALL_PACKAGES
) -> Iterator[CheckpointDir]:
    """Yield the checkpoints of a killed run with the same inputs, params and code, or an empty folder.

    Checkpoints of other runs of the stage are removed at the start; all are removed when the body succeeds.

    Args:
        stage: name of the stage, and of the folder.
        params: all params that the stage reads.
        inputs: files and folders that it reads.
        packages: those of ``reelgraph`` whose code its results depend on.
    """
    inputs_key = _inputs_key(inputs, packages)
    folder = CHECKPOINT_ROOT / stage / _run_key(params, inputs_key)
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    results = RESULT_ROOT / stage
    yield CheckpointDir(folder, results=results, results_key=inputs_key)
    _remove_old_results(results)
    shutil.rmtree(folder.parent)


def checkpoint_dir(
    stage: str, params: StageParams, inputs: Sequence[Path | str], packages: Sequence[str] = ALL_PACKAGES
) -> Path:
    """Return the folder for the checkpoints of such a run."""
    return CHECKPOINT_ROOT / stage / _run_key(params, _inputs_key(inputs, packages))


def _remove_old_results(folder: Path) -> None:
    """Remove all results of a stage but the ``MAX_RESULTS`` that were used last."""
    results = sorted(folder.glob("*.safetensors"), key=lambda file: file.stat().st_mtime)
    for file in results[:-MAX_RESULTS]:
        file.unlink()


def _run_key(params: StageParams, inputs_key: str) -> str:
    """Return a hash of everything that the stage's outputs depend on."""
    return _hash_json([params.model_dump(), inputs_key])


def _hash_json(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _inputs_key(inputs: Sequence[Path | str], packages: Sequence[str]) -> str:
    """Return a hash of what results depend on besides params: inputs, code, and how torch computes."""
    environment = [torch.__version__, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()]
    digest = hashlib.sha256(json.dumps(environment).encode())
    code_files = [file for package in packages for file in sorted((PACKAGE / package).rglob("*.py"))]
    input_files = [file for path in inputs for file in _files(Path(path))]
    for file in (*code_files, *input_files):
        digest.update(str(file).encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    return [path] if path.exists() else []
