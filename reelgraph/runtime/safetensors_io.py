"""Tensors on disk: safetensors, written at once or not at all, never a pickle."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reelgraph.runtime.atomic_io import RERUN_HINT, Json, atomic_write, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError

NOTES = "notes"
"""Key of the header under which notes stand, as JSON."""


def write_tensors(
    tensors: Mapping[str, Tensor], path: Path | str, notes: Mapping[str, Json] | None = None
) -> None:
    """Write tensors, and notes beside them.

    Raises:
        OSError: the disk is full or the folder can't be written.
    """
    metadata = None if notes is None else {NOTES: json.dumps(notes)}
    with atomic_write(path) as draft:
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, draft, metadata)
        except SafetensorError as error:
            # It wraps what the system said: "I/O error: File too large (os error 27)".
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else None, str(error), str(path)) from None


def read_tensors(path: Path | str) -> dict[str, Tensor]:
    """Read all tensors of a file.

    Raises:
        ArtifactError: the file is missing or no safetensors.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except (OSError, SafetensorError) as error:
        raise ArtifactError(
            str(path), "tensors (safetensors)", str(error).splitlines()[0], RERUN_HINT
        ) from error


def load_state_dict_strict(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give a module the weights of a file.

    Raises:
        RuntimeError: names, shapes or types are not the module's, or numbers are not finite; lists all.
    """
    own, wrong = module.state_dict(), []
    for name in sorted({*own, *tensors}):
        here, there = own.get(name), tensors.get(name)
        if here is None or there is None:
            wrong.append(f"no {name}" if there is None else f"{name}, which the model lacks")
        elif (here.shape, here.dtype) != (there.shape, there.dtype):
            found, wanted = (f"{t.dtype} {list(t.shape)}" for t in (there, here))
            wrong.append(f"{name} is {found} instead of {wanted}")
        elif not there.isfinite().all():
            wrong.append(f"{name} is not finite")
    if wrong:
        raise RuntimeError("; ".join(wrong))
    module.load_state_dict(dict(tensors))


def read_metadata(path: Path | str) -> dict[str, Any]:
    """Read the notes of a file that ``write_tensors`` wrote with notes.

    Raises:
        ArtifactError: the file has none.
    """
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if NOTES not in metadata:
        raise ArtifactError(str(path), "tensors with notes", "no notes", RERUN_HINT)
    return json.loads(metadata[NOTES])
