"""Tensors on disk in the safetensors format: written atomically, and never a pickle."""

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

METADATA_KEY = "metadata"
"""Key of the safetensors header that holds our metadata, as JSON."""


def write_tensors(
    tensors: Mapping[str, Tensor], path: Path | str, metadata: Mapping[str, Json] | None = None
) -> None:
    """Write tensors, and optionally metadata, to one file.

    Raises:
        OSError: the disk is full, or the folder is not writable.
    """
    header = None if metadata is None else {METADATA_KEY: json.dumps(metadata)}
    with atomic_write(path) as temp_path:
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temp_path, header)
        except SafetensorError as error:
            # The library wraps the system's error: "I/O error: File too large (os error 27)".
            number = re.search(r"os error (\d+)", str(error))
            raise OSError(int(number[1]) if number else None, str(error), str(path)) from None


def read_tensors(path: Path | str) -> dict[str, Tensor]:
    """Read all tensors of a file.

    Raises:
        ArtifactError: the file is missing or is not in the safetensors format.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ArtifactError(str(path), "tensors (safetensors)", reason, RERUN_HINT) from error


def read_metadata(path: Path | str) -> dict[str, Any]:
    """Read the metadata that ``write_tensors`` wrote.

    Raises:
        ArtifactError: the file has no metadata.
    """
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
    if METADATA_KEY not in header:
        raise ArtifactError(str(path), "tensors with metadata", "no metadata", RERUN_HINT)
    return json.loads(header[METADATA_KEY])


def load_state_dict_strict(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load tensors into a module, after checking all names, shapes, types and values.

    Raises:
        RuntimeError: names, shapes or types differ from the module's, or values are not finite; lists all.
    """
    state_dict = module.state_dict()
    problems = []
    for name in sorted({*state_dict, *tensors}):
        expected = state_dict.get(name)
        actual = tensors.get(name)
        if expected is None:
            problems.append(f"{name}, which the model lacks")
        elif actual is None:
            problems.append(f"no {name}")
        elif (expected.shape, expected.dtype) != (actual.shape, actual.dtype):
            problems.append(f"{name} is {_format_type(actual)} instead of {_format_type(expected)}")
        elif not actual.isfinite().all():
            problems.append(f"{name} is not finite")
    if problems:
        raise RuntimeError("; ".join(problems))
    module.load_state_dict(dict(tensors))


def _format_type(tensor: Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}"
