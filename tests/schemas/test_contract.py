from __future__ import annotations

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.columns import Column
from reelgraph.core.schemas.contract import Contract
from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.errors import ArtifactError, InputError

AGES = Contract(
    columns=(
        Column("person_id", pa.int64(), "personId"),
        Column("age", pa.float64(), minimum=0, maximum=150, step=0.5, remedy="Give years."),
        Column("born", pa.int64(), nullable=True, step=1),
    ),
    key=("person_id",),
)


def table(**columns):
    return ibis.memtable(pa.table(columns))


def test_validate_returns_the_names_and_types_of_the_code():
    rows = AGES.validate(table(born=[1990.0, None], personId=[2, 1], age=[3, 4], more=["x", "y"]), "f")
    assert rows.schema().to_pyarrow() == pa.schema(
        {"person_id": pa.int64(), "age": pa.float64(), "born": pa.int64()}
    )
    assert rows.born.to_pyarrow().to_pylist() == [1990, None]
    assert AGES.to_file(rows).columns == ("personId", "age", "born")


def test_validate_lists_all_violations_with_counts_and_rows():
    invalid = table(
        personId=[1, 1, None, 4, 5, 6], age=[-1.0, 151.0, 0.3, None, -2.0, -3.0], born=[1, 2, 3, 4, 5, None]
    )
    with pytest.raises(InputError) as caught:
        AGES.validate(invalid, "ages.csv", lambda row: f"line {row + 2}")
    assert str(caught.value) == (
        "ages.csv: expected valid rows, got "
        "personId is missing in 1 row, first at line 4 (personId None, age 0.3, born 3); "
        "age is missing in 1 row, first at line 5 (personId 4, age None, born 4); "
        "age is below 0 in 3 rows, first at line 2 (personId 1, age -1.0, born 1), "
        "line 6 (personId 5, age -2.0, born 5), line 7 (personId 6, age -3.0, born None); "
        "age is above 150 in 1 row, first at line 3 (personId 1, age 151.0, born 2); "
        "age is not a multiple of 0.5 in 1 row, first at line 4 (personId None, age 0.3, born 3); "
        "personId more than once in 1 case: personId 1 at line 2, line 3. "
        "Correct the file. Give years. Keep one row for each personId."
    )


def test_validate_rejects_an_id_beyond_64_bits():
    big = pa.array([2**63], pa.uint64())
    with pytest.raises(InputError, match="personId is above 9223372036854775807 in 1 row"):
        AGES.validate(table(personId=big, age=[1.0], born=[1]), "f")


def test_validate_accepts_a_null_column_if_nullable():
    assert AGES.validate(
        table(personId=[1], age=[1.0], born=pa.nulls(1)), "f"
    ).born.to_pyarrow().to_pylist() == [None]
    with pytest.raises(InputError, match="column personId of type null"):
        AGES.validate(table(personId=pa.nulls(1), age=[1.0], born=[1]), "f")


def test_open_artifact_requires_exactly_the_written_columns(duckdb_engine, tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(ArtifactError, match="no file"):
        AGES.open_artifact(duckdb_engine, path)
    pq.write_table(pa.table({"personId": [1], "age": [1.0], "born": [1]}), path)
    assert AGES.open_artifact(duckdb_engine, path).columns == ("person_id", "age", "born")
    pq.write_table(pa.table({"personId": [1], "age": [1.0], "born": [1], "x": [1]}), path)
    with pytest.raises(ArtifactError, match="dvc repro"):
        AGES.open_artifact(duckdb_engine, path)


def check_that_a_repeated_key_counts_once(engine, tmp_path):
    rows = [(1, 20), (2, 10), (1, 20), (2, 20), (1, 20), (2, 10), (1, 10)]
    columns = {"user": [user for user, _ in rows], "movie": [movie for _, movie in rows]}
    pq.write_table(pa.table(columns), tmp_path / "pairs.parquet")
    pairs = Contract((Column("user", pa.int64()), Column("movie", pa.int64())), key=("user", "movie"))
    message = r"got user and movie more than once in 2 cases: user 1, movie 20 at .*, user 2, movie 10 at"
    with pytest.raises(InputError, match=message):
        pairs.validate(read_parquet(engine, tmp_path / "pairs.parquet"), "pairs")


def test_validate_counts_a_repeated_key_once(duckdb_engine, tmp_path):
    check_that_a_repeated_key_counts_once(duckdb_engine, tmp_path)


def test_validate_takes_an_absent_column_as_null():
    nickname = Column("nickname", pa.string(), nullable=True, may_be_absent=True)
    contract = Contract((Column("person_id", pa.int64(), "personId"), nickname), key=("person_id",))
    rows = contract.validate(table(personId=[1, 2]), "f")
    assert rows.to_pyarrow().to_pydict() == {"person_id": [1, 2], "nickname": [None, None]}
