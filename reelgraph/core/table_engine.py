"""The table engine: one set of Ibis expressions, run by DuckDB here or by Spark elsewhere.

What differs between the two lies in this file alone: opening, paths, streaming, errors.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend

from reelgraph.params.data import Engine
from reelgraph.runtime.atomic_io import PARQUET_ERRORS, temp_dir_beside, write_parquet
from reelgraph.runtime.errors import InputError, PackageError, ReelgraphError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BATCH_ROWS = 1 << 18

PARTITION = "16m"
"""What Spark sorts at a time, compressed: about 1.5 million ratings."""

SPARK_LEAST_MB = 512
"""Spark refuses to start with less."""

ENDED = "Java has ended"

RAN_OUT = ("OutOfMemory", "No space left", ENDED, 'dagScheduler()" is null')
"""What is said where memory or disk didn't suffice; Java ends where an object doesn't fit its memory.

The last: of a Spark that is stopping for that reason, and was asked meanwhile."""


def connect(params: Engine) -> BaseBackend:
    """Open the engine that ``engine.backend`` names.

    Raises:
        PackageError: Spark is asked for and pyspark or Java is missing.
    """
    return _spark(params) if params.backend == "spark" else _duckdb(params)


def _duckdb(params: Engine) -> BaseBackend:
    # A place of its own for each process: DuckDB names spill files alike and clears the folder.
    spill = Path(tempfile.gettempdir()) / f"reelgraph-duckdb-{os.getpid()}"
    return ibis.duckdb.connect(
        memory_limit=f"{params.memory_mb}MB",
        temp_directory=str(spill),
        autoinstall_known_extensions=False,
    )


def _spark(params: Engine) -> BaseBackend:
    remedy = "Install Java 17 and `pip install '.[spark]'`, or set engine.backend to duckdb."
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise PackageError("engine.backend", "pyspark", "no such package", remedy) from error
    settings: dict[str, str | bool | int | float | None] = {
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": PARTITION,
        "spark.driver.memory": f"{max(params.memory_mb, SPARK_LEAST_MB)}m",
    }
    try:
        with _pandas_unused():
            session = SparkSession.builder.master(params.url).appName("reelgraph").config(map=settings)
            return ibis.pyspark.connect(session.getOrCreate())
    except Exception as error:
        raise PackageError(f"engine.url {params.url}", "a Spark master that answers",
                           _cause(error), remedy) from error  # fmt: skip


@contextmanager
def _pandas_unused() -> Iterator[None]:
    """Hold back PySpark's warning about pandas 3: rows pass through Arrow, never through pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield


def read_parquet(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open a parquet file, or a folder of parquet files, lazily.

    Raises:
        InputError: nothing is there, or it isn't readable parquet, or the files of
            a folder differ in their columns.
    """
    place = Path(path).absolute()
    if not place.exists():
        raise InputError(str(path), "a parquet file", "no such file", "Check the path.")
    files = sorted(place.glob("*.parquet")) if place.is_dir() else [place]
    if not files:
        raise InputError(str(path), "a folder with *.parquet files", "none in it", "Check the path.")
    types = _check_footers(files)
    with translate_engine_errors(str(path)):
        if connection.name == "pyspark":
            # A folder goes as such: Spark takes one path, in which glob signs are escaped.
            pattern = re.sub(r"([\[\]{}*?\\])", r"\\\1", str(place))
            table = connection.read_parquet(f"{pattern}/*.parquet" if place.is_dir() else pattern)
        else:
            # A folder named like userId=7 is no column.
            plain = [re.sub(r"([\[*?])", r"[\1]", str(file)) for file in files]
            table = connection.read_parquet(plain, hive_partitioning=False)
        # Engines give a column that is null throughout, as pandas writes it, a type of their own.
        return table.mutate(**{name: ibis.null() for name, kind in types.items() if kind == "null"})


def _check_footers(files: list[Path]) -> dict[str, str]:
    """Return name → type of the columns, which all files have."""
    first: dict[str, str] = {}
    for file in files:
        try:
            schema = pq.read_schema(file)
            names, kinds = schema.names, map(str, schema.types)
        except PARQUET_ERRORS as error:
            raise _unreadable(str(file), error) from error
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(str(file), "each column once", f"{', '.join(twice)} more than once",
                             "Drop or rename one of them.")  # fmt: skip
        columns = dict(zip(names, kinds, strict=True))
        first = first or columns
        if columns != first:
            raise InputError(str(file), f"the columns of {files[0].name}: {first}", str(columns),
                             "Write all files of the folder with the same columns.")  # fmt: skip
    return first


def write_table(expression: ir.Table, path: Path | str, schema: pa.Schema) -> int:
    """Run an expression and stream its rows into a parquet file; return their number.

    The expression must order its rows totally: the file's bytes follow from it.
    """
    return write_parquet(stream(expression, schema), path, schema)


def stream(
    expression: ir.Table, schema: pa.Schema, where: str = "the tables of this stage"
) -> Iterator[pa.RecordBatch]:
    """Run an expression and yield its rows in batches of the schema's types.

    Rows are never all in this process's memory, with either engine.

    Raises:
        InputError: a file under the expression turns out to be unreadable.
        PackageError: the engine ran out of memory or disk.
    """
    with translate_engine_errors(where):
        for batch in _batches(expression):
            table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
            yield from table.to_batches()


def _batches(expression: ir.Table) -> Iterator[pa.RecordBatch]:
    connection = expression.get_backend()
    if connection.name != "pyspark":
        yield from connection.to_pyarrow_batches(expression, chunk_size=BATCH_ROWS)
        return
    # By way of files in the working folder, which workers see as they see the inputs: what the driver
    # gathers itself has to fit its memory.
    with temp_dir_beside(Path("spark").absolute()) as folder:
        _frame(expression).write.parquet(str(folder / "rows"))
        for part in sorted((folder / "rows").glob("*.parquet")):
            with pq.ParquetFile(part) as file:
                yield from file.iter_batches(BATCH_ROWS)


def collect(expression: ir.Table, where: str) -> pa.Table:
    """Run an expression whose result is small; ``where`` names its file in errors.

    Raises:
        InputError: a file under the expression is unreadable.
        PackageError: the engine ran out of memory or disk.
    """
    schema = expression.schema().to_pyarrow()
    if expression.get_backend().name == "pyspark":
        with translate_engine_errors(where), _pandas_unused():
            return _frame(expression).toArrow().cast(schema)
    return pa.Table.from_batches(stream(expression, schema, where), schema=schema)


def _frame(expression: ir.Table) -> DataFrame:
    connection = expression.get_backend()
    return connection._session.sql(connection.compile(expression))


@contextmanager
def translate_engine_errors(where: str) -> Iterator[None]:
    """Turn an engine's own errors into refusals that name ``where``."""
    try:
        yield
    except _engine_errors() as error:
        raise _unreadable(where, error) from error


def _engine_errors() -> tuple[type[Exception], ...]:
    if "pyspark" not in sys.modules:
        return (duckdb.Error,)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return (duckdb.Error, PySparkException, Py4JError, ConnectionError)


def _unreadable(where: str, error: Exception) -> ReelgraphError:
    if isinstance(error, duckdb.OutOfMemoryException) or any(sign in _text(error) for sign in RAN_OUT):
        return PackageError(where, "enough memory and disk for its rows", _cause(error),
                            "Raise engine.memory_mb, or free disk space.")  # fmt: skip
    return InputError(where, "a readable parquet file", _cause(error),
                      "Write it again, for example with pandas' to_parquet.")  # fmt: skip


def _cause(error: Exception) -> str:
    """Return the line that matters: the first, or, of a trace of Java's, the last cause."""
    lines = _text(error).splitlines() or [type(error).__name__]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return [lines[0], *causes][-1]


def _text(error: Exception) -> str:
    if isinstance(error, ConnectionError) or type(error).__name__ in ("Py4JError", "Py4JNetworkError"):
        return ENDED
    try:
        return str(error)
    except Exception:  # an error of Java's asks Java for its text
        return ENDED
