"""Spark gives what DuckDB gives. All in one module, so that one process starts one Java."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from reelgraph.core.table_engine import connect, read_parquet
from reelgraph.params.data import Engine, FilterParams
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.sequences.build import build_histories
from reelgraph.sequences.dataset import write_histories
from stages import filter as filter_stage
from tests.schemas.test_contract import check_that_a_repeated_key_counts_once
from tests.sequences.test_build import PARAMS, tables, with_parts
from tests.sources.test_filter import run_ingest

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(scope="module")
def spark() -> Iterator[str]:
    """The name of the Spark backend; skips where Spark cannot run."""
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark needs the package pyspark and Java 17")
    with pytest.MonkeyPatch.context() as patch:
        # Without its second compiler, Java takes half the CPU time: most of this code runs once.
        patch.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield "spark"


@pytest.mark.parametrize(("sample", "split"), [(8, "leave_last_out"), (0, "given")])
def test_build_histories_with_spark_gives_the_same_bytes(
    tmp_path: Path, duckdb_engine, spark: str, sample: int, split: str
) -> None:
    ratings, movies = tables()
    ratings = with_parts(ratings)
    params = PARAMS.model_copy(update={"sample_users": sample, "split": split})
    for name, table in (("ratings", ratings), ("movies", movies)):
        write_parquet(pa.Table.from_pandas(table, preserve_index=False), tmp_path / f"{name}.parquet")
    there = connect(Engine(backend=spark, url="local[2]", memory_mb=1000))
    for name, opened in (("duckdb", duckdb_engine), ("spark", there)):
        read = [read_parquet(opened, tmp_path / f"{table}.parquet") for table in ("ratings", "movies")]
        write_histories(build_histories(*read, params), tmp_path / name)
    for file in sorted((tmp_path / "duckdb").iterdir()):
        assert file.read_bytes() == (tmp_path / "spark" / file.name).read_bytes(), file.name


def test_filter_movies_spark_equals_duckdb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spark: str
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    rows = [(u, m, (u * m) % 10 / 2 + 0.5, 7 * u % 5) for u in range(1, 300) for m in (10, 20, 99, u + 100)]
    contents = []
    for backend in ("duckdb", spark):
        run_ingest(tmp_path, rows, backend)
        filter_stage.main(FilterParams(engine=Engine(backend=backend, url="local[2]", memory_mb=500)))
        files = ("catalog.parquet", "ratings.parquet", "movies.parquet", "counts/filter.json")
        contents.append({name: (project / "data" / name).read_bytes() for name in files})
    assert contents[0] == contents[1]


def test_validate_with_spark_counts_a_repeated_key_once(spark: str, tmp_path: Path) -> None:
    engine = connect(Engine(backend=spark, url="local[2]", memory_mb=500))
    check_that_a_repeated_key_counts_once(engine, tmp_path)


# In a process of its own, as Java ends with it.
GREEDY = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
from reelgraph.core.table_engine import connect, read_parquet, write_table
from reelgraph.runtime.errors import PackageError
from reelgraph.params.data import Engine

pq.write_table(pa.table({"s": ["x"]}), "x.parquet")
table = read_parquet(connect(Engine(backend="spark", url="local[1]", memory_mb=64)), "x.parquet")
try:
    write_table(table.mutate(s=table.s.repeat(700_000_000)), "out/y.parquet", pa.schema({"s": pa.string()}))
except PackageError as error:
    print(error)
"""


def test_write_table_with_spark_reports_too_little_memory(spark: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", GREEDY], cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.getcwd(), "JDK_JAVA_OPTIONS": ""},
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    assert "expected enough memory and disk for its rows, got " in ran.stdout
    assert "Raise engine.memory_mb" in ran.stdout
    assert {path.name for path in tmp_path.rglob("*")} == {"x.parquet", "out"}
