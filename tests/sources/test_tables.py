from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.tables import open_ratings
from reelgraph.core.table_engine import connect
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.sources.ingest import read_new_movies
from reelgraph.sources.source import Staging
from stages import ingest
from tests.helpers.source_files import catalog_table, ingest_params, ratings_table, write_table

ROWS = [(2, 10, 4.0, 50), (1, 20, 0.5, 70), (1, 10, 5.0, 70), (1, 30, 3.5, 60)]


def tables_params(tmp_path, movies=None, rating_table=None, **paths):
    movies = movies if movies is not None else catalog_table(movieId=[20, 10], original_title=["B", "A"])
    rating_table = rating_table if rating_table is not None else ratings_table(ROWS)
    defaults = {"catalog": write_table(movies, tmp_path / "in put" / "c[1].parquet"),
              "ratings": write_table(rating_table, tmp_path / "in put" / "r*.parquet")}  # fmt: skip
    return ingest_params("tables", **(defaults | paths))


def test_ingest_orders_rows_and_keeps_ratings_outside_catalogue(tmp_path, project):
    summary = ingest.main(tables_params(tmp_path))
    assert summary.startswith(
        "2 movies, 4 ratings from tables; warning: no movie has any tagline or overview, "
    )
    rows = pq.read_table("data/ratings.parquet").to_pylist()
    assert [(r["userId"], r["movieId"]) for r in rows] == [(1, 30), (1, 10), (1, 20), (2, 10)]
    assert pq.read_table("data/catalog.parquet")["movieId"].to_pylist() == [10, 20]
    assert [p.name for p in (project / "data/truth").iterdir()] == ["none.json"]


def test_ingest_independent_of_source_order(tmp_path, project):
    contents = []
    for step in (1, -1):
        movies = catalog_table(movieId=[10, 20, 30][::step], original_title=["A", None, "C"][::step])
        ingest.main(tables_params(tmp_path, movies, ratings_table(ROWS[::step])))
        contents.append([(project / "data" / f"{n}.parquet").read_bytes() for n in ("catalog", "ratings")])
    assert contents[0] == contents[1]


def test_open_source_tables_folders_and_other_types(tmp_path, project):
    ratings = ratings_table(ROWS)
    ratings = ratings.set_column(0, "userId", ratings["userId"].cast("int32"))
    ratings = ratings.set_column(2, "rating", ratings["rating"].cast("float32"))
    for part in (0, 1):
        write_table(ratings.slice(part * 2, 2), project / "parts" / f"{part}.parquet")
    movies = catalog_table(movieId=[10], release_year=[1995.0]).append_column("extra", [[1]])
    ingest.main(ingest_params("tables", ratings="parts", catalog=write_table(movies, tmp_path / "c.parquet")))
    assert pq.read_table("data/ratings.parquet").num_rows == 4
    assert pq.read_table("data/catalog.parquet")["release_year"].to_pylist() == [1995]


def test_clean_text(tmp_path, project):
    movies = catalog_table(
        movieId=[1, 2],
        original_title=["  a\u00a0 \tb\0 ", " \u3000 "],
        overview=[" two\n lines\0 ", "\t"],
        actor_1=["Zoë\n Bell", ""],
    )
    ingest.main(tables_params(tmp_path, movies))
    table = pq.read_table("data/catalog.parquet")
    assert table["original_title"].to_pylist() == ["a b", None]
    assert table["overview"].to_pylist() == ["two\n lines", None]
    assert table["actor_1"].to_pylist() == ["Zoë Bell", None]


def test_ingest_keeps_column_test(tmp_path, project):
    with_split = ratings_table(ROWS).append_column("test", [[True, False, False, True]])
    ingest.main(tables_params(tmp_path, rating_table=with_split))
    rows = pq.read_table("data/ratings.parquet").to_pylist()
    assert [(r["userId"], r["movieId"], r["test"]) for r in rows] == [
        (1, 30, True), (1, 10, False), (1, 20, False), (2, 10, True),
    ]  # fmt: skip
    ratings = open_ratings(connect(ingest_params("tables").engine), "data/ratings.parquet")
    assert ratings.columns == ("user_id", "movie_id", "rating", "timestamp", "test")


def with_column(column, values):
    table = ratings_table(ROWS[:3])
    index = table.column_names.index(column)
    return table.set_column(index, column, [values])


INVALID_RATINGS = {
    "off the scale": (with_column("rating", [4.0, 7.0, 5.0]), ["rating is above 5 in 1 row, first at row 2 (userId 1"]),
    "not half": (with_column("rating", [4.0, 3.2, 5.0]), ["rating is not a multiple of 0.5", "row 2"]),
    "zero": (with_column("rating", [0.0, 3.0, 5.0]), ["rating is below 0.5", "row 1"]),
    "NaN": (with_column("rating", [4.0, 3.5, float("nan")]), ["rating is missing", "row 3"]),
    "infinite": (with_column("rating", [4.0, 3.5, float("inf")]), ["rating is above 5", "row 3"]),
    "milliseconds": (with_column("timestamp", [1, 10**12, 2]), ["timestamp is above", "row 2", "Tables may instead have dates"]),
    "before 1970": (with_column("timestamp", [-1, 1, 2]), ["timestamp is below 0", "row 1"]),
    "missing id": (with_column("userId", [1, None, 2]), ["userId is missing", "row 2"]),
    "list as id": (with_column("movieId", [[1], [2], [3]]), ["column movieId of type array"]),
    "float id": (with_column("movieId", [1.0, 2.5, 3.0]), ["row 2, column movieId: expected a whole number, got 2.5"]),
    "text rating": (with_column("rating", ["4", "good", "1"]), ["row 2, column rating: expected a number, got 'good'"]),
    "no column": (ratings_table(ROWS).drop_columns("timestamp"), ["no column timestamp", "The file has userId"]),
    "twice": (ratings_table([*ROWS, (1, 20, 1.0, 1)]), ["userId and movieId more than once in 1 case",
                                                  "userId 1, movieId 20 at row 2, row 5"]),
    "no rows": (ratings_table(ROWS).slice(0, 0), ["at least one row"]),
    "parts as text": (ratings_table(ROWS).append_column("test", [["train", "test", "test", "test"]]),
                      ["column test of type string", "Set test of every rating"]),
    "in no part": (ratings_table(ROWS).append_column("test", [[True, None, False, True]]), ["test is missing in 1 row"]),
    "all at once": (with_column("rating", [7.0, 7.0, -1.0]), ["above 5 in 2 rows", "below 0.5 in 1 row"]),
}  # fmt: skip

INVALID_CATALOGS = {
    "twice": (
        catalog_table(movieId=[7, 8, 7]),
        ["movieId more than once in 1 case: movieId 7 at row 1, row 3"],
    ),
    "text id twice": (
        catalog_table(movieId=["a", "b", "a"]),
        ["more than once in 1 case: movieId 4 at row 1, row 3"],
    ),
    "missing id": (catalog_table(movieId=[1, None]), ["movieId is missing in 1 row, first at row 2"]),
    "year": (
        catalog_table(movieId=[1], release_year=[19950]),
        ["release_year is above 2200", "a whole year"],
    ),
    "half a year": (
        catalog_table(movieId=[1], release_year=[1995.5]),
        ["release_year is not a multiple of 1"],
    ),
    "no runtime": (
        catalog_table(movieId=[1], runtime_minutes=[0]),
        ["runtime_minutes is below 1", "null where unknown"],
    ),
    "no column": (catalog_table(movieId=[1]).drop_columns("movieId"), ["no column movieId"]),
    "numbers as text": (catalog_table(movieId=[1], actor_1=[5]), ["column actor_1 of type int64"]),
    "bytes as text": (catalog_table(movieId=[1], actor_1=[b"x"]), ["column actor_1 of type binary"]),
    "no rows": (catalog_table(movieId=[1]).slice(0, 0), ["at least one row"]),
}


def assert_raises(run, project, *parts):
    with pytest.raises(ReelgraphError) as caught:
        run()
    for part in parts:
        assert part in str(caught.value)
    assert not list(project.rglob("*.*"))


@pytest.mark.parametrize(("table", "parts"), INVALID_RATINGS.values(), ids=INVALID_RATINGS)
def test_ingest_invalid_ratings_raise(tmp_path, project, table, parts):
    assert_raises(
        lambda: ingest.main(tables_params(tmp_path, rating_table=table)), project, "r*.parquet", *parts
    )


@pytest.mark.parametrize(("table", "parts"), INVALID_CATALOGS.values(), ids=INVALID_CATALOGS)
def test_ingest_invalid_catalogue_raises(tmp_path, project, table, parts):
    assert_raises(lambda: ingest.main(tables_params(tmp_path, movies=table)), project, "c[1].parquet", *parts)


def corrupt(path, change):
    path.write_bytes(change(path.read_bytes()))
    return str(path)


@pytest.mark.parametrize(
    "change",
    [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"userId,movieId\n1,2\n", lambda b: b[:4] + b"\0" * 60 + b[64:]],
    ids=["truncated", "empty", "csv", "overwritten"],
)  # fmt: skip
def test_open_source_tables_corrupt_parquet_raises(tmp_path, project, change):
    path = tmp_path / "b.parquet"
    write_table(ratings_table(ROWS), path)
    invalid = tables_params(tmp_path, ratings=corrupt(path, change))
    assert_raises(lambda: ingest.main(invalid), project, "b.parquet", "a readable parquet file")


def test_ingest_invalid_utf8_raises(tmp_path, project):
    path = tmp_path / "b.parquet"
    write_table(catalog_table(movieId=[1], overview=["zzzz"]), path)
    invalid = tables_params(tmp_path, catalog=corrupt(path, lambda b: b.replace(b"zzzz", b"z\xff\xfez")))
    assert_raises(lambda: ingest.main(invalid), project, "b.parquet")


def test_open_source_tables_missing_path_raises(tmp_path, project):
    assert_raises(
        lambda: ingest.main(tables_params(tmp_path, ratings="/no/such")), project, "/no/such", "no such file"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    assert_raises(lambda: ingest.main(tables_params(tmp_path, catalog=str(empty))), project, "none in it")


def test_open_source_tables_differing_columns_raise(tmp_path, project):
    write_table(ratings_table(ROWS), tmp_path / "f" / "1.parquet")
    write_table(ratings_table(ROWS).drop_columns("rating"), tmp_path / "f" / "2.parquet")
    invalid = tables_params(tmp_path, ratings=str(tmp_path / "f"))
    assert_raises(lambda: ingest.main(invalid), project, "2.parquet", "the columns of 1.parquet")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("movieId,actors\n1,A\n", "got actors"),
        ("movieId,release_year\n1,2020\n1,2021\n", "movieId"),
        ("movieId,release_year\ntt1,2020\n", "whole numbers"),
        ("movieId,release_year\n1,20202\n", "release_year"),
        ("movieId,original_title\n", "new.csv: expected at least one row, got none"),
        ("movieId\n99999999999999999999\n1\n", "at most 18 digits, got '99999999999999999999'"),
        ("movieId\n7\n-5\n", "numbers of 0 or more, got -5"),
    ],
)
def test_read_new_movies_refuses_what_is_no_catalogue(text, message, project):
    (project / "new.csv").write_text(text)
    with pytest.raises(ReelgraphError, match=message):
        read_new_movies("new.csv", Staging(connect(ingest_params("tables").engine), project))


def test_read_new_movies_refuses_a_missing_file(project):
    with pytest.raises(ReelgraphError, match=r"none\.csv: expected a file, got none\. Check the path"):
        read_new_movies("none.csv", Staging(connect(ingest_params("tables").engine), project))


def test_read_new_movies_cleans_and_orders_the_rows(project):
    (project / "new.csv").write_text("movieId,original_title,release_year\n7, B ,2020\n3,,\n")
    movies = read_new_movies("new.csv", Staging(connect(ingest_params("tables").engine), project))
    assert movies.select(["movie_id", "original_title", "release_year"]).to_pylist() == [
        {"movie_id": 3, "original_title": None, "release_year": None},
        {"movie_id": 7, "original_title": "B", "release_year": 2020},
    ]
