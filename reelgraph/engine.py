"""The table engine: one set of Ibis expressions, run by DuckDB here or by Spark elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.errors import InputError, PackageError
from reelgraph.files import write_parquet
from reelgraph.params.engine import Engine

BATCH_ROWS = 1 << 18


def connect(params: Engine) -> BaseBackend:
    """Open the engine that ``engine.backend`` names.

    Raises:
        PackageError: Spark is asked for and pyspark or Java is missing.
    """
    return _spark(params) if params.backend == "spark" else _duckdb(params)


def _duckdb(params: Engine) -> BaseBackend:
    spill = Path(tempfile.gettempdir()) / "reelgraph-duckdb"
    return ibis.duckdb.connect(memory_limit=f"{params.memory_mb}MB", temp_directory=str(spill))


def _spark(params: Engine) -> BaseBackend:
    remedy = "Install Java 17 and `pip install '.[spark]'`, or set engine.backend to duckdb."
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise PackageError("engine.backend", "pyspark", "no such package", remedy) from error
    builder = SparkSession.builder.master(params.url).appName("reelgraph")
    try:
        session = (
            builder.config("spark.sql.session.timeZone", "UTC")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.execution.arrow.pyspark.enabled", "true")
            .getOrCreate()
        )
    except Exception as error:
        raise PackageError(f"engine.url {params.url}", "a Spark master that answers",
                           str(error).splitlines()[0], remedy) from error  # fmt: skip
    return ibis.pyspark.connect(session)


def read_parquet(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open a parquet file, or a folder of parquet files, lazily.

    Raises:
        InputError: nothing is there, or it isn't readable parquet.
    """
    place = Path(path).absolute()
    if not place.exists():
        raise InputError(str(path), "a parquet file", "no such file", "Check the path.")
    pattern = str(place / "*.parquet") if place.is_dir() else str(place)
    try:
        return connection.read_parquet(pattern)
    except Exception as error:
        raise InputError(str(path), "a readable parquet file", str(error).splitlines()[0],
                         "Write it again, for example with pandas' to_parquet.") from error  # fmt: skip


def write_table(expression: ir.Table, path: Path | str, schema: pa.Schema) -> int:
    """Run an expression and stream its rows into a parquet file; return their number.

    The expression must order its rows totally: the file's bytes follow from it.
    """
    return write_parquet(stream(expression, schema), path, schema)


def stream(expression: ir.Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Run an expression and yield its rows in batches of the schema's types."""
    for batch in expression.to_pyarrow_batches(chunk_size=BATCH_ROWS):
        table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
        yield from table.to_batches()
