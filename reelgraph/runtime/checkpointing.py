"""States of long computations on disk, so that a killed run goes on where it was, to the same bytes.

They lie outside of what DVC tracks, under a key of everything that the result depends on: inputs, params,
code and torch's version. So a state is only ever found by a run that would have come to it.
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
"""A state is written when this many times the seconds that the last writing took have passed since."""

CODE = Path(__file__).parent


@dataclass
class TrainingState:
    """What training changes, beside the numbers that it returns."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    rng: np.random.Generator | torch.Generator | None = None
    """Draws the order of the rows, or what is drawn a step; torch's global stream is kept in any case."""
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None

    def tensors(self) -> dict[str, Tensor]:
        """Return weights, the optimizer's moments, and streams of random numbers."""
        found = {f"model.{name}": weight for name, weight in self.model.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
        found["stream"] = torch.get_rng_state()
        if isinstance(self.rng, torch.Generator):
            found["order"] = self.rng.get_state()
        return found

    def metadata(self) -> dict[str, Json]:
        """Return learning rates, the schedule's place, and NumPy's stream."""
        found: dict[str, Json] = {"rates": [group["lr"] for group in self.optimizer.param_groups]}
        if self.schedule:
            found["schedule"] = self.schedule.state_dict()
        if isinstance(self.rng, np.random.Generator):
            found["order"] = dict(self.rng.bit_generator.state)
        return found

    def save(self, state: Checkpoint, done: int, more: Mapping[str, Tensor] | None = None) -> None:
        """Keep everything, and ``more``, after so many epochs."""
        state.save(done, {**self.tensors(), **(more or {})}, self.metadata())

    def restore(self, state: Checkpoint) -> None:
        """Become what was kept, if anything was."""
        if not state.completed:
            return
        tensors, notes = state.tensors, state.metadata
        self.model.load_state_dict(select_prefix(tensors, "model"))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in select_prefix(tensors, "optimizer").items():
            number, _, moment = name.partition(".")
            moments.setdefault(int(number), {})[moment] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        for group, rate in zip(self.optimizer.param_groups, notes["rates"], strict=True):  # type: ignore[arg-type]
            group["lr"] = rate
        if self.schedule:
            self.schedule.load_state_dict(notes["schedule"])  # type: ignore[arg-type]
        torch.set_rng_state(tensors["stream"])
        if isinstance(self.rng, torch.Generator):
            self.rng.set_state(tensors["order"])
        elif self.rng:
            self.rng.bit_generator.state = notes["order"]  # type: ignore[assignment]


def select_prefix(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``name.``, without it."""
    return {
        key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")
    }


@dataclass
class Checkpoint:
    """One computation's state: in memory, and in its file once it has been kept."""

    path: Path | None
    """None: nothing is kept."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    metadata: dict[str, Json] = field(default_factory=dict)
    log: list[Any] = field(default_factory=list)
    """What was told of each epoch; kept with the rest."""
    always_write: bool = False
    """Every state is written, however long that takes."""
    _due: float = 0.0

    @property
    def completed(self) -> int:
        """Epochs or rows that were done when the state was kept; 0 where there is none."""
        return int(str(self.metadata.get("done", 0)))

    def save(self, done: int, tensors: Mapping[str, Tensor], notes: Mapping[str, Json] | None = None) -> None:
        """Write the state, unless the last one was just now: a twentieth of the time goes into it at most."""
        start = time.monotonic()
        if self.path and (self.always_write or start >= self._due):
            write_tensors(tensors, self.path, {**(notes or {}), "log": self.log, "done": done})
            now = time.monotonic()
            self._due = now + MIN_WRITE_INTERVAL_FACTOR * (now - start)


@dataclass(frozen=True)
class CheckpointDir:
    """Where the states of one run are."""

    folder: Path | None = None
    """None: nothing is kept, nothing is found."""
    writable: bool = True
    """False: states are read, and another process writes them."""
    always_write: bool = False
    """Every state is written, however long that takes."""

    def subdirectory(self, name: str) -> CheckpointDir:
        """Return the place for the states of a part of this run."""
        return replace(self, folder=self.folder and self.folder / name)

    def checkpoint(self, name: str) -> Checkpoint:
        """Return the state of a computation of this run, with what was kept of it."""
        if self.folder is None:
            return Checkpoint(None)
        path = self.folder / f"{name}.safetensors"
        kept_at = path if self.writable else None
        try:
            tensors, notes = read_tensors(path), read_metadata(path)
        except ArtifactError:  # none yet, or a damaged one
            return Checkpoint(kept_at, always_write=self.always_write)
        return Checkpoint(kept_at, tensors, notes, notes["log"], self.always_write)


NO_CHECKPOINTS = CheckpointDir()


@contextmanager
def resumable(stage: str, params: StageParams, inputs: Sequence[Path | str]) -> Iterator[CheckpointDir]:
    """Find what a killed run of the stage left, if it was of the same inputs, params and code.

    What was kept goes away when the body ends well.

    Args:
        stage: names the folder.
        params: all that the stage reads.
        inputs: files and folders that it reads.
    """
    folder = place(stage, params, inputs)
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    yield CheckpointDir(folder)
    shutil.rmtree(folder.parent)


def place(stage: str, params: StageParams, inputs: Sequence[Path | str]) -> Path:
    """Return the folder of the states of such a run."""
    return CHECKPOINT_ROOT / stage / _key(params, inputs)


def _key(params: StageParams, inputs: Sequence[Path | str]) -> str:
    """Return a hash of everything that the result depends on."""
    digest = hashlib.sha256(json.dumps([params.model_dump(), torch.__version__], sort_keys=True).encode())
    code = sorted(CODE.rglob("*.py"))
    files = [file for place in inputs for file in _files(Path(place))]
    for file in (*code, *files):
        digest.update(str(file).encode())
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()[:32]


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(file for file in place.rglob("*") if file.is_file())
    return [place] if place.exists() else []
