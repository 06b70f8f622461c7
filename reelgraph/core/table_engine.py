"""The table engine: Ibis expressions, run by DuckDB in this process or by Spark.

All differences between the two are in this module: connections, paths, streaming and errors.
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

SPARK_PARTITION_SIZE = "16m"
"""Compressed size of what Spark sorts at a time: about 1.5 million ratings."""

SPARK_MIN_MB = 512
"""Spark does not start with less memory."""

JVM_EXITED = "Java has ended"

OUT_OF_MEMORY_SIGNS = (
    "OutOfMemory",
    "No space left",
    JVM_EXITED,
    'dagScheduler()" is null',
    "SparkContext was shut down",
)
"""Parts of error messages when memory or disk did not suffice.

The JVM exits if an object does not fit into its memory. The last two are from a Spark that is shutting down
for this reason.
"""


def connect(params: Engine) -> BaseBackend:
    """Connect to the engine of ``engine.backend``.

    Raises:
        PackageError: with Spark, pyspark or Java is missing.
    """
    return _connect_spark(params) if params.backend == "spark" else _connect_duckdb(params)


def _connect_duckdb(params: Engine) -> BaseBackend:
    # One folder per process: DuckDB gives spill files equal names, and clears the folder.
    spill_dir = Path(tempfile.gettempdir()) / f"reelgraph-duckdb-{os.getpid()}"
    return ibis.duckdb.connect(
        memory_limit=f"{params.memory_mb}MB",
        temp_directory=str(spill_dir),
        autoinstall_known_extensions=False,
    )


def _connect_spark(params: Engine) -> BaseBackend:
    remedy = "Install Java 17 and `pip install '.[spark]'`, or set engine.backend to duckdb."
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise PackageError("engine.backend", "pyspark", "no such package", remedy) from error
    settings: dict[str, str | bool | int | float | None] = {
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": SPARK_PARTITION_SIZE,
        "spark.driver.memory": f"{max(params.memory_mb, SPARK_MIN_MB)}m",
    }
    try:
        with _without_pandas_warning():
            session = SparkSession.builder.master(params.url).appName("reelgraph").config(map=settings)
            return ibis.pyspark.connect(session.getOrCreate())
    except Exception as error:
        raise PackageError(f"engine.url {params.url}", "a Spark master that answers",
                           _root_cause(error), remedy) from error  # fmt: skip


@contextmanager
def _without_pandas_warning() -> Iterator[None]:
    """Suppress PySpark's warning about pandas 3: rows are converted by Arrow, never by pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        yield


def read_parquet(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open a parquet file, or a folder of parquet files, lazily.

    Raises:
        InputError: the path does not exist, a file is not readable parquet, or the files of a folder have
            different columns.
    """
    location = Path(path).absolute()
    if not location.exists():
        raise InputError(str(path), "a parquet file", "no such file", "Check the path.")
    files = sorted(location.glob("*.parquet")) if location.is_dir() else [location]
    if not files:
        raise InputError(str(path), "a folder with *.parquet files", "none in it", "Check the path.")
    types = _read_column_types(files)
    with translate_engine_errors(str(path)):
        if connection.name == "pyspark":
            # Spark takes one path, which may be a folder; glob characters must be escaped.
            pattern = re.sub(r"([\[\]{}*?\\])", r"\\\1", str(location))
            table = connection.read_parquet(f"{pattern}/*.parquet" if location.is_dir() else pattern)
        else:
            escaped = [re.sub(r"([\[*?])", r"[\1]", str(file)) for file in files]
            # A folder named like userId=7 is not a column.
            table = connection.read_parquet(escaped, hive_partitioning=False)
        # The engines give a column of nulls, as pandas writes it, different types.
        return table.mutate(**{name: ibis.null() for name, kind in types.items() if kind == "null"})


def _read_column_types(files: list[Path]) -> dict[str, str]:
    """Return name → type of the columns, after checking that all files have the same."""
    first: dict[str, str] = {}
    for file in files:
        try:
            schema = pq.read_schema(file)
            names = schema.names
            types = list(map(str, schema.types))
        except PARQUET_ERRORS as error:
            raise _translate(str(file), error) from error
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(str(file), "each column once", f"{', '.join(duplicates)} more than once",
                             "Drop or rename one of them.")  # fmt: skip
        columns = dict(zip(names, types, strict=True))
        first = first or columns
        if columns != first:
            raise InputError(str(file), f"the columns of {files[0].name}: {first}", str(columns),
                             "Write all files of the folder with the same columns.")  # fmt: skip
    return first


def write_table(expression: ir.Table, path: Path | str, schema: pa.Schema) -> int:
    """Run an expression and stream its rows into a parquet file; return the number of rows.

    The expression must define a total order of its rows, since the bytes of the file depend on it.
    """
    return write_parquet(stream(expression, schema), path, schema)


def stream(
    expression: ir.Table, schema: pa.Schema, where: str = "the tables of this stage"
) -> Iterator[pa.RecordBatch]:
    """Run an expression and yield its rows in batches with the types of the schema.

    With either engine, the rows are never all in the memory of this process.

    Raises:
        InputError: a file of the expression is not readable.
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
    # Through files in the working directory, which workers can access like the inputs: what the driver
    # collects must fit into its memory.
    with temp_dir_beside(Path("spark").absolute()) as folder:
        _spark_frame(expression).write.parquet(str(folder / "rows"))
        for part in sorted((folder / "rows").glob("*.parquet")):
            with pq.ParquetFile(part) as file:
                yield from file.iter_batches(BATCH_ROWS)


def collect(expression: ir.Table, where: str) -> pa.Table:
    """Run an expression with a small result; ``where`` names its file in errors.

    Raises:
        InputError: a file of the expression is not readable.
        PackageError: the engine ran out of memory or disk.
    """
    schema = expression.schema().to_pyarrow()
    if expression.get_backend().name == "pyspark":
        with translate_engine_errors(where), _without_pandas_warning():
            return _spark_frame(expression).toArrow().cast(schema)
    return pa.Table.from_batches(stream(expression, schema, where), schema=schema)


def _spark_frame(expression: ir.Table) -> DataFrame:
    connection = expression.get_backend()
    return connection._session.sql(connection.compile(expression))


@contextmanager
def translate_engine_errors(where: str) -> Iterator[None]:
    """Raise an engine's own errors as reelgraph's, with the file ``where``."""
    try:
        yield
    except _engine_errors() as error:
        raise _translate(where, error) from error


def _engine_errors() -> tuple[type[Exception], ...]:
    if "pyspark" not in sys.modules:
        return (duckdb.Error,)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return (duckdb.Error, PySparkException, Py4JError, ConnectionError)


def _translate(where: str, error: Exception) -> ReelgraphError:
    text = _message(error)
    if isinstance(error, duckdb.OutOfMemoryException) or any(sign in text for sign in OUT_OF_MEMORY_SIGNS):
        return PackageError(where, "enough memory and disk for its rows", _root_cause(error),
                            "Raise engine.memory_mb, or free disk space.")  # fmt: skip
    return InputError(where, "a readable parquet file", _root_cause(error),
                      "Write it again, for example with pandas' to_parquet.")  # fmt: skip


def _root_cause(error: Exception) -> str:
    """Return the first line of the message; of a Java stack trace, the last cause or the exception."""
    lines = _message(error).splitlines() or [type(error).__name__]
    if lines[0].startswith("An error occurred while calling") and len(lines) > 1:
        lines = [lines[1].removeprefix(": "), *lines[2:]]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return [lines[0], *causes][-1]


def _message(error: Exception) -> str:
    if isinstance(error, ConnectionError) or type(error).__name__ in ("Py4JError", "Py4JNetworkError"):
        return JVM_EXITED
    try:
        return str(error)
    except Exception:  # an error of Java asks the JVM for its text
        return JVM_EXITED
