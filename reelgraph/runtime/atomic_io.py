"""Writing that is atomic and byte-stable: beside the place, flushed to disk, then renamed."""

from __future__ import annotations

import glob
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.runtime.errors import ArtifactError

ROW_GROUP = 1 << 20
"""Rows of a parquet row group: fixed, so that bytes don't depend on how rows arrived."""

METRIC_DIGITS = 6
"""Decimals kept in metrics: finer than any difference that counts, coarser than float noise."""

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield a place beside ``path`` to write to; rename it over ``path`` on success only.

    Works for a file and for a folder. When the body raises, or the process is
    killed, what stood at ``path`` is still there.
    """
    final = Path(path)
    with temp_dir_beside(final) as folder:
        draft = folder / final.name
        yield draft
        _flush(draft)
        if final.is_dir() and not final.is_symlink():
            os.rename(final, folder / "old")
        os.replace(draft, final)


@contextmanager
def temp_dir_beside(path: Path) -> Iterator[Path]:
    """Yield a folder beside ``path`` that goes away in the end, or where a process was killed, later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    prefix = f".{path.name}.{os.getpid()}."
    folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=".partial", dir=path.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(final: Path) -> None:
    """Remove the drafts of processes that were killed."""
    for draft in final.parent.glob(f".{glob.escape(final.name)}.*.partial"):
        owner = draft.name.removeprefix(f".{final.name}.").split(".")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(draft, ignore_errors=True)


def _alive(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _flush(path: Path) -> None:
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())


def write_text(text: str, path: Path | str) -> None:
    """Write UTF-8 text with Unix line ends."""
    with atomic_write(path) as draft:
        draft.write_bytes(text.encode())


def write_parquet(
    rows: pa.Table | Iterable[pa.RecordBatch], path: Path | str, schema: pa.Schema | None = None
) -> int:
    """Write rows in the order they come, in row groups of one size; return their number.

    Args:
        rows: a table, or batches of any size, which are never all in memory.
        path: where the file goes.
        schema: needed with batches; column order and types of the file.
    """
    if isinstance(rows, pa.Table):
        schema, rows = rows.schema, rows.to_batches()
    schema = pa.schema(schema).remove_metadata()
    count = 0
    with atomic_write(path) as draft, pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for group in _regrouped(rows, schema):
            writer.write_table(group, row_group_size=ROW_GROUP)
            count += group.num_rows
    return count


def _regrouped(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held = schema.empty_table()
    for batch in batches:
        held = pa.concat_tables([held, pa.Table.from_batches([batch]).cast(schema)])
        while held.num_rows >= ROW_GROUP:
            yield held.slice(0, ROW_GROUP).combine_chunks()
            held = held.slice(ROW_GROUP)
    if held.num_rows:
        yield held.combine_chunks()


def write_arrays(arrays: Mapping[str, np.ndarray], folder: Path | str) -> None:
    """Write each array as ``folder/NAME.npy``; the folder appears as a whole."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        for name, array in arrays.items():
            save_array(array, draft / f"{name}.npy")


def save_array(array: np.ndarray, path: Path) -> None:
    """Write an array of plain numbers into a draft."""
    with path.open("wb") as file:
        # Not np.save: its C buffer loses, without an error, what a full disk refuses at the end.
        plain = SimpleNamespace(write=file.write)
        np.lib.format.write_array(plain, np.ascontiguousarray(array), allow_pickle=False)


def read_array(path: Path | str) -> np.ndarray:
    """Map a ``.npy`` file into memory, read-only.

    Raises:
        ArtifactError: the file is missing or is not an array of plain numbers.
    """
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except Exception as error:  # NumPy lets many kinds escape, from ValueError to TokenError
        raise ArtifactError(str(path), "a .npy array of numbers", str(error), RERUN_HINT) from error


def write_json(values: Mapping[str, Json], path: Path | str) -> None:
    """Write sorted, indented JSON; NaN and infinity are refused."""
    text = json.dumps(values, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(text + "\n", path)


def write_metrics(values: Mapping[str, object], path: Path | str) -> None:
    """Write nested scalars, rounded, for ``dvc metrics``.

    Raises:
        ValueError: a value is not a finite scalar (a defect of the caller).
    """
    write_json(_rounded(values, str(path)), path)


def _rounded(values: Mapping[str, object], where: str) -> dict[str, Json]:
    return {key: _scalar(value, f"{where}: {key}") for key, value in values.items()}


def _scalar(value: object, where: str) -> Json:
    if isinstance(value, Mapping):
        return _rounded(value, where)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isfinite(value):
        return round(value, METRIC_DIGITS)
    if isinstance(value, str | int):
        return value
    raise ValueError(f"{where} is {value!r}, not a finite scalar")


def read_json(path: Path | str) -> dict[str, Json]:
    """Read a JSON object that an earlier stage wrote.

    Raises:
        ArtifactError: the file is missing or holds no JSON object.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except (ValueError, RecursionError, OSError) as error:
        raise ArtifactError(str(path), "a JSON object", str(error), RERUN_HINT) from error
    if not isinstance(values, dict):
        raise ArtifactError(str(path), "a JSON object", type(values).__name__, RERUN_HINT)
    return values


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


RERUN_HINT = "Run `dvc repro` to make it again."

PARQUET_ERRORS = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises of a file that is no parquet file; the last of column names that are no UTF-8."""


def missing_artifact_error(path: Path | str) -> ArtifactError:
    """Return the error for an artifact that isn't there."""
    return ArtifactError(str(path), "a file made by an earlier stage", "no file", RERUN_HINT)
