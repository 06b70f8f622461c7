"""Atomic, reproducible file output: write to a temporary path beside the target, flush, then rename.

Writers and readers for text, parquet, NumPy arrays and JSON.
"""

from __future__ import annotations

import glob
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.runtime.errors import ArtifactError

ROW_GROUP = 1 << 20
"""Rows in a parquet row group. Fixed, so that the bytes do not depend on how the rows were batched."""

RERUN_HINT = "Run `dvc repro` to make it again."

PARQUET_ERRORS = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises for an invalid parquet file. UnicodeDecodeError: column names that are not UTF-8."""

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def missing_artifact_error(path: Path | str) -> ArtifactError:
    """Return the error for a file of an earlier stage that does not exist."""
    return ArtifactError(str(path), "a file made by an earlier stage", "no file", RERUN_HINT)


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path to write to; rename it to ``path`` if the body succeeds.

    Works for a file and for a folder. If the body raises, or the process is killed, the old content of
    ``path`` stays.
    """
    target = Path(path)
    with temp_dir_beside(target) as temp_dir:
        temp_path = temp_dir / target.name
        yield temp_path
        _flush(temp_path)
        if target.is_dir() and not target.is_symlink():
            os.rename(target, temp_dir / "old")
        os.replace(temp_path, target)


@contextmanager
def temp_dir_beside(path: Path) -> Iterator[Path]:
    """Yield a temporary folder in the parent folder of ``path``, and remove it at the end.

    The folder of a process that was killed is removed by the next call for the same ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale_temps(path)
    prefix = f".{path.name}.{os.getpid()}."
    temp_dir = Path(tempfile.mkdtemp(prefix=prefix, suffix=".partial", dir=path.parent))
    try:
        yield temp_dir
    finally:
        shutil.rmtree(temp_dir, ignore_errors=True)


def _remove_stale_temps(target: Path) -> None:
    """Remove the temporary folders of processes that no longer run."""
    for temp_dir in target.parent.glob(f".{glob.escape(target.name)}.*.partial"):
        pid = temp_dir.name.removeprefix(f".{target.name}.").split(".")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(temp_dir, ignore_errors=True)


def _is_running(pid: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _flush(path: Path) -> None:
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())


def advance_mtime(path: Path) -> None:
    """Set a file's modification time to the next whole second, if the file exists.

    Git compares whole seconds and sizes. It does not see that a file was written in the second of its
    checkout, as ``dvc exp run`` does, and neither shows nor undoes the change.
    """
    if path.exists():
        second = math.ceil(time.time())
        os.utime(path, (second, second))


def write_text(text: str, path: Path | str) -> None:
    """Write UTF-8 text with Unix line ends."""
    with atomic_write(path) as temp_path:
        temp_path.write_bytes(text.encode())


def write_parquet(
    rows: pa.Table | Iterable[pa.RecordBatch], path: Path | str, schema: pa.Schema | None = None
) -> int:
    """Write rows in the order given, in row groups of a fixed size; return the number of rows.

    Args:
        rows: a table, or record batches of any size; the batches are never all in memory.
        path: the output file.
        schema: column order and types of the file; required with batches.
    """
    if isinstance(rows, pa.Table):
        schema = rows.schema
        rows = rows.to_batches()
    schema = pa.schema(schema).remove_metadata()
    count = 0
    with atomic_write(path) as temp_path, pq.ParquetWriter(temp_path, schema, compression="zstd") as writer:
        for group in _row_groups(rows, schema):
            writer.write_table(group, row_group_size=ROW_GROUP)
            count += group.num_rows
    return count


def _row_groups(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    pending = schema.empty_table()
    for batch in batches:
        pending = pa.concat_tables([pending, pa.Table.from_batches([batch]).cast(schema)])
        while pending.num_rows >= ROW_GROUP:
            yield pending.slice(0, ROW_GROUP).combine_chunks()
            pending = pending.slice(ROW_GROUP)
    if pending.num_rows:
        yield pending.combine_chunks()


def write_arrays(arrays: Mapping[str, np.ndarray], folder: Path | str) -> None:
    """Write each array as ``folder/NAME.npy``. The folder is replaced as a whole."""
    with atomic_write(folder) as temp_path:
        temp_path.mkdir()
        for name, array in arrays.items():
            save_array(array, temp_path / f"{name}.npy")


def save_array(array: np.ndarray, path: Path) -> None:
    """Write a numeric array as ``.npy``; not atomic by itself."""
    with path.open("wb") as file:
        # np.save writes through a C buffer, and loses errors of a full disk when that buffer is flushed.
        plain_stream = SimpleNamespace(write=file.write)
        np.lib.format.write_array(plain_stream, np.asarray(array, order="C"), allow_pickle=False)


def read_array(path: Path | str) -> np.ndarray:
    """Map a ``.npy`` file into memory, read-only.

    Raises:
        ArtifactError: the file is missing or is not a numeric array.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except Exception as error:  # NumPy raises many types, from ValueError to TokenError
        raise ArtifactError(str(path), "a .npy array of numbers", str(error), RERUN_HINT) from error


def write_json(values: Mapping[str, Json], path: Path | str, sort_keys: bool = True) -> None:
    """Write indented JSON.

    Args:
        values: the object.
        path: the output file.
        sort_keys: sort the keys of all objects; otherwise they keep their order.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    text = json.dumps(values, indent=2, sort_keys=sort_keys, allow_nan=False, ensure_ascii=False)
    write_text(text + "\n", path)


def read_json(path: Path | str, remedy: str = RERUN_HINT) -> dict[str, Any]:
    """Read a JSON object that an earlier stage wrote.

    Args:
        path: the file.
        remedy: what the user can do about a damaged file.

    Raises:
        ArtifactError: the file is missing or is not a JSON object.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_reject_constant)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except (ValueError, RecursionError, OSError) as error:
        raise ArtifactError(str(path), "a JSON object", str(error), remedy) from error
    if not isinstance(values, dict):
        raise ArtifactError(str(path), "a JSON object", type(values).__name__, remedy)
    return values


def _reject_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
