"""Source tables converts what people have to the types of the data contracts, and counts it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.tables import open_ratings
from reelgraph.core.table_engine import connect
from reelgraph.runtime.errors import InputError
from reelgraph.sources.timestamps import detect_timestamps
from stages import filter as filter_stage
from stages import ingest
from tests.helpers.source_files import catalog_table, ingest_params, ratings_table, write_files, write_table

ROWS = [(2, 10, 4.0, 50), (1, 20, 0.5, 70), (1, 10, 5.0, 70), (1, 30, 3.5, 60)]

RATINGS_CSV = "userId,movieId,rating,timestamp\n2,10,4.0,50\n1,20,0.5,70\n1,10,5.0,70\n1,30,3.5,60\n"

CATALOG_CSV = (
    "movieId,original_title,overview,genre_1,genre_2,release_year,runtime_minutes\n"
    '10,A,"of, by\nand for",Drama,War,1995,142\n20,B,,,,,\n'
)


def with_column(name: str, values: object) -> pa.Table:
    table = ratings_table(ROWS)
    return table.set_column(table.column_names.index(name), name, [values])


def run(folder: Path, ratings: pa.Table | str, catalog: pa.Table | str = CATALOG_CSV, **data: str) -> str:
    """Write both tables, text as CSV, and ingest them; return the summary."""
    paths = {}
    for name, table in {"ratings": ratings, "catalog": catalog}.items():
        if isinstance(table, str):
            paths[name] = str(write_files(folder / "in", {f"{name}.csv": table}) / f"{name}.csv")
        else:
            paths[name] = write_table(table, folder / "in" / f"{name}.parquet")
    return ingest.main(ingest_params("tables", **paths, **data))


def read_ratings() -> list[tuple[int, int, float, int]]:
    rows = pq.read_table("data/ratings.parquet").to_pylist()
    return [(row["userId"], row["movieId"], row["rating"], row["timestamp"]) for row in rows]


def conversions() -> dict[str, int]:
    """Return the counts that are not zero."""
    counts = json.loads(Path("data/counts/ingest.json").read_text())["conversions"]
    return {name: count for name, count in counts.items() if count}


def test_csv_gives_the_same_files_as_parquet(tmp_path: Path, project: Path) -> None:
    run(tmp_path, RATINGS_CSV)
    from_csv = [Path(f"data/{name}.parquet").read_bytes() for name in ("catalog", "ratings")]
    catalog = catalog_table(movieId=[10, 20], original_title=["A", "B"], genre_1=["Drama", None], genre_2=["War", None],
                            overview=["of, by\nand for", None], release_year=[1995, None], runtime_minutes=[142, None])  # fmt: skip
    run(tmp_path, ratings_table(ROWS), catalog)
    assert [Path(f"data/{name}.parquet").read_bytes() for name in ("catalog", "ratings")] == from_csv
    assert conversions() == {}


@pytest.mark.parametrize(
    "text",
    [
        RATINGS_CSV.replace(",", ";"),
        RATINGS_CSV.replace(",", "\t"),
        "\ufeff" + RATINGS_CSV.replace("\n", "\r\n"),
        RATINGS_CSV.replace(",", ";").replace(".5", ",5"),
    ],
    ids=["semicolons", "tabs", "byte order mark and CRLF", "decimal commas"],
)
def test_csv_delimiters_and_line_ends(tmp_path: Path, project: Path, text: str) -> None:
    run(tmp_path, text)
    assert read_ratings() == sorted(ROWS, key=lambda row: (row[0], row[3], row[1]))


def test_open_source_tables_names_other_kinds_of_file(tmp_path: Path, project: Path) -> None:
    catalog = write_files(tmp_path, {"c.csv": CATALOG_CSV}) / "c.csv"
    ratings = tmp_path / "ratings.xlsx"
    ratings.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"or a CSV file named .csv, .tsv, .txt, got another kind of file"):
        ingest.main(ingest_params("tables", ratings=str(ratings), catalog=str(catalog)))


def test_csv_folder_is_read_in_the_order_of_names(tmp_path: Path, project: Path) -> None:
    lines = RATINGS_CSV.splitlines(keepends=True)
    folder = write_files(
        tmp_path / "parts", {"b.csv": "".join([lines[0], *lines[3:]]), "a.csv": "".join(lines[:3])}
    )
    catalog = write_files(tmp_path / "c", {"c.csv": CATALOG_CSV}) / "c.csv"
    ingest.main(ingest_params("tables", ratings=str(folder), catalog=str(catalog), order="file"))
    assert read_ratings() == [(1, 20, 0.5, 1), (1, 10, 5.0, 2), (1, 30, 3.5, 3), (2, 10, 4.0, 0)]
    write_files(folder, {"b.csv": f"{lines[0]}1,20,9,1\n"})
    with pytest.raises(InputError, match=r"rating is above 5 in 1 row, first at b.csv line 2"):
        ingest.main(ingest_params("tables", ratings=str(folder), catalog=str(catalog)))


TEXT_RATINGS = "userId,movieId,rating\nzoe,tt10,4\nadam,tt9,3\nÅsa,tt10,5\nadam,tt77,1\n"
TEXT_CATALOG = "movieId,original_title,genre_1\ntt10,A,Drama\ntt9,B,Crime\n"


def test_text_ids_are_numbered_in_code_point_order(tmp_path: Path, project: Path) -> None:
    summary = run(tmp_path, TEXT_RATINGS, TEXT_CATALOG, order="file")
    assert read_ratings() == [(1, 3, 3.0, 1), (1, 2, 1.0, 3), (2, 1, 4.0, 0), (3, 1, 5.0, 2)]
    users = pq.read_table("data/ratings.parquet")["sourceUserId"].to_pylist()
    assert users == ["adam", "adam", "zoe", "Åsa"]
    movies = pq.read_table("data/catalog.parquet").to_pylist()
    assert [(row["movieId"], row["sourceMovieId"]) for row in movies] == [(1, "tt10"), (3, "tt9")]
    assert "3 user ids from text, 3 movie ids from text, 4 timestamps from file order" in summary
    filter_stage.main(ingest_params("tables"))
    assert pq.read_table("data/movies.parquet")["sourceMovieId"].to_pylist() == ["tt10", "tt9"]
    ratings = open_ratings(connect(ingest_params("tables").engine), "data/ratings.parquet")
    assert ratings.columns == ("user_id", "movie_id", "rating", "timestamp", "source_user_id")


def test_text_ids_do_not_depend_on_the_order_of_rows(tmp_path: Path, project: Path) -> None:
    table = with_column("userId", ["b", "a", "ä", "a"]).set_column(1, "movieId", [["x", "y", "x", "z"]])
    catalog = catalog_table(movieId=["x", "y"], genre_1=["Drama", "Crime"])
    contents = []
    for step in (1, -1):
        run(tmp_path, table.take(list(range(4))[::step]), catalog.take([0, 1][::step]))
        contents.append([Path(f"data/{name}.parquet").read_bytes() for name in ("catalog", "ratings")])
    assert contents[0] == contents[1]


def test_whole_numbers_as_text_stay_numbers(tmp_path: Path, project: Path) -> None:
    table = with_column("userId", ["2", "1.0", " 1", "1"])
    run(tmp_path, table)
    assert read_ratings() == sorted(ROWS, key=lambda row: (row[0], row[3], row[1]))
    assert conversions() == {}


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.decimal128(20, 0)])
def test_ids_of_a_column_with_gaps_stay_numbers(tmp_path: Path, project: Path, kind: pa.DataType) -> None:
    run(tmp_path, with_column("movieId", pa.array([10, 20, 10, 30]).cast(pa.float64()).cast(kind)))
    assert read_ratings() == sorted(ROWS, key=lambda row: (row[0], row[3], row[1]))
    assert conversions() == {}


def test_ids_as_numbers_and_as_text_are_the_same(tmp_path: Path, project: Path) -> None:
    run(tmp_path, with_column("movieId", pa.array([10.0, 20.0, 10.0, 30.0])), CATALOG_CSV + "tt5,C,,,,,\n")
    assert pq.read_table("data/catalog.parquet")["sourceMovieId"].to_pylist() == ["10", "20", "tt5"]
    assert [row[1] for row in read_ratings()] == [3, 1, 2, 1]


def test_missing_ids_among_floats_raise(tmp_path: Path, project: Path) -> None:
    with pytest.raises(InputError, match="userId is missing in 1 row, first at row 2"):
        run(tmp_path, with_column("userId", pa.array([2.0, float("nan"), 1.0, 1.0])))


def test_ids_with_leading_zeros_are_text(tmp_path: Path, project: Path) -> None:
    run(tmp_path, with_column("userId", ["02", "2", "2", "2"]))
    assert [row[0] for row in read_ratings()] == [1, 2, 2, 2]


UTC_SECONDS = [1112485631, 0, 951782400, 4102444799]
UTC_DATES = ["2005-04-02 23:47:11", "1970-01-01", "2000-02-29T00:00:00Z", "2099-12-31 23:59:59.999"]

TIMES = {
    "dates as text": (UTC_DATES, "dates"),
    "dates with offsets": (["2005-04-03T01:47:11+02:00", "1969-12-31 19:00-0500", "2000-02-29", "2099-12-31 23:59:59 UTC"],
                           "dates"),
    "datetimes": (pa.array([second * 1000 for second in UTC_SECONDS], pa.timestamp("ms")), "dates"),
    "datetimes with zone": (pa.array([second * 10**9 for second in UTC_SECONDS[:3]] + [None], pa.timestamp("ns", "Asia/Tokyo"))
                            .fill_null(datetime.datetime.fromtimestamp(UTC_SECONDS[3], datetime.UTC)), "dates"),
    "day numbers as text": ([str(second / 86_400 + 25_569) for second in UTC_SECONDS], "day_numbers"),
    "day numbers as floats": ([second / 86_400 + 25_569 for second in UTC_SECONDS], "day_numbers"),
    "seconds as text": ([f"{second}.0" for second in UTC_SECONDS], ""),
    "seconds as floats": ([second + 0.5 for second in UTC_SECONDS], ""),
}  # fmt: skip


@pytest.mark.parametrize(("values", "unit"), TIMES.values(), ids=TIMES)
def test_timestamps(tmp_path: Path, project: Path, values: object, unit: str) -> None:
    run(tmp_path, with_column("timestamp", values))
    by_key = {row[:2]: row[3] for row in read_ratings()}
    assert [by_key[row[:2]] for row in ROWS] == UTC_SECONDS
    assert conversions() == ({f"timestamps_from_{unit}": 4} if unit else {})


@pytest.mark.parametrize(
    ("factor", "unit"), [(1000, "milliseconds"), (10**6, "microseconds"), (10**9, "nanoseconds")]
)
@pytest.mark.parametrize("as_text", [False, True], ids=["numbers", "text"])
def test_small_units_of_time(tmp_path: Path, project: Path, factor: int, unit: str, as_text: bool) -> None:
    seconds = [1112485631, 852076800, 951782400, 4102444799]
    values = [second * factor + factor - 1 for second in seconds]
    summary = run(tmp_path, with_column("timestamp", [str(value) for value in values] if as_text else values))
    by_key = {row[:2]: row[3] for row in read_ratings()}
    assert [by_key[row[:2]] for row in ROWS] == seconds
    assert conversions() == {f"timestamps_from_{unit}": 4}
    assert f"4 timestamps from {unit}" in summary


def test_detect_timestamps_decides_by_all_batches() -> None:
    early, late = pa.array([10**12, 2 * 10**12]), pa.array([5])
    assert detect_timestamps([early]).units_per_second == 1000
    assert detect_timestamps([early, late]).units_per_second == 1


SCALED = {
    "1-5": ([1, 2.3, 3.75, 5], [1.0, 2.5, 4.0, 5.0], {"ratings_rounded": 2}),
    "0-10": ([0, 1, 7.5, 10], [0.5, 0.5, 4.0, 5.0], {"ratings_from_another_scale": 4, "ratings_rounded": 2}),
    "0-100": ([0, 4, 74, 100], [0.5, 0.5, 3.5, 5.0], {"ratings_from_another_scale": 4, "ratings_rounded": 3}),
    "1-100": (
        [1, 10, 65, 100],
        [0.5, 0.5, 3.5, 5.0],
        {"ratings_from_another_scale": 4, "ratings_rounded": 2},
    ),
}


@pytest.mark.parametrize("as_text", [False, True], ids=["numbers", "text"])
@pytest.mark.parametrize("scale", SCALED)
def test_scales_are_mapped_to_half_stars(tmp_path: Path, project: Path, scale: str, as_text: bool) -> None:
    ratings, stars, counts = SCALED[scale]
    run(tmp_path, with_column("rating", list(map(str, ratings)) if as_text else ratings), scale=scale)
    by_key = {row[:2]: row[2] for row in read_ratings()}
    assert [by_key[row[:2]] for row in ROWS] == stars
    assert conversions() == counts


def test_order_file_replaces_timestamps(tmp_path: Path, project: Path) -> None:
    without = ratings_table(ROWS).drop_columns("timestamp")
    for table in (without, ratings_table(ROWS)):
        run(tmp_path, table, order="file")
        assert read_ratings() == [(1, 20, 0.5, 1), (1, 10, 5.0, 2), (1, 30, 3.5, 3), (2, 10, 4.0, 0)]
        assert conversions() == {"timestamps_from_file_order": 4}


MARKERS = ["nan", "None", "\\N", "NULL", "<NA>", "N/A", " nan "]


def test_markers_of_missing_values_are_no_names(tmp_path: Path, project: Path) -> None:
    size = len(MARKERS)
    columns = dict.fromkeys(("actor_1", "overview", "spoken_language_1", "original_title"), MARKERS)
    catalog = catalog_table(movieId=list(range(size)), genre_1=["Drama"] * size, director_1=["Nan Goldin"] * size,
                            produced_in_country_1=["NA"] * size, **columns)  # fmt: skip
    summary = run(tmp_path, ratings_table([(1, 0, 4.0, 1)]), catalog)
    table = pq.read_table("data/catalog.parquet")
    for name in ("actor_1", "overview", "spoken_language_1"):
        assert table[name].null_count == size
    assert table["original_title"].to_pylist() == [None, "None", None, "NULL", None, "N/A", None]
    assert table["director_1"].to_pylist() == ["Nan Goldin"] * size
    assert table["produced_in_country_1"].to_pylist() == ["NA"] * size
    assert conversions() == {"missing_value_markers": 3 * size + 4}
    assert "warning: no movie has any tagline or overview, actor, writer, company, language" in summary


def test_absent_columns_are_null_and_unread_ones_are_named(tmp_path: Path, project: Path) -> None:
    summary = run(tmp_path, RATINGS_CSV.replace("timestamp\n", "timestamp,Note\n").replace("0\n", "0,x\n"),
                  "movieId,Overview,genre_1\n10,x,Drama\n")  # fmt: skip
    assert pq.read_table("data/catalog.parquet").to_pylist()[0] == {
        field: {"movieId": 10, "genre_1": "Drama"}.get(field)
        for field in pq.read_schema("data/catalog.parquet").names
    }
    assert "columns not read: Overview; columns not read: Note; warning: no movie has any tagline" in summary


def test_column_test_in_csv(tmp_path: Path, project: Path) -> None:
    run(tmp_path, "userId,movieId,rating,timestamp,test\n1,10,4,1,True\n1,20,3,2,false\n1,30,3,3,0\n")
    assert pq.read_table("data/ratings.parquet")["test"].to_pylist() == [True, False, False]


REFUSED = {
    "scale not stated": (with_column("rating", [7, 8, 9, 10]), {}, ["rating is above 5", "data.scale"]),
    "not half stars": (with_column("rating", [3.7, 4, 1, 1]), {}, ["not a multiple of 0.5", "data.scale"]),
    "outside the scale": (with_column("rating", [7, 11, 1, 1]), {"scale": "0-10"},
                          ["ratings.parquet: row 2, column rating: expected a rating from 0 to 10", "got 11"]),
    "below the scale": (with_column("rating", [0, 11, 1, 1]), {"scale": "1-100"}, ["row 1, column rating", "1 to 100"]),
    "NaN on a scale": (with_column("rating", [1, 2, float("nan"), 1]), {"scale": "0-10"}, ["row 3, column rating"]),
    "blank on a scale": (with_column("rating", ["1", "", "2", "3"]), {"scale": "0-10"}, ["rating is missing", "row 2"]),
    "no time": (ratings_table(ROWS).drop_columns("timestamp"), {}, ["no column timestamp", "data.order: file"]),
    "time missing": (with_column("timestamp", [1, None, 3, 4]), {}, ["timestamp is missing", "row 2", "data.order: file"]),
    "no date": (with_column("timestamp", ["2001-01-01", "2001-02-31", "", ""]), {},
                ["row 2, column timestamp: expected a date such as", "got '2001-02-31'"]),
    "another format": (with_column("timestamp", ["31.12.2001"] * 4), {}, ["row 1, column timestamp", "a date such as"]),
    "numbers, then a date": (with_column("timestamp", ["5", "2001-02-03", "6", "7"]), {}, ["row 2, column timestamp"]),
    "two units": (with_column("timestamp", [964982703000, 964982703, 1, 1]), {}, ["timestamp is above", "row 1"]),
    "blank id": ("userId,movieId,rating,timestamp\n1,10,4,1\n,20,3,2\n", {}, ["userId is missing", "line 3"]),
    "short row": ("userId,movieId,rating,timestamp\n1,10,4,1\n1,20\n", {}, ["line 3: expected 4 cells", "got 2"]),
    "bad cell": ('userId,movieId,rating,timestamp\n1,10,4,1\n\n1,20,good,2\n', {},
                 ["ratings.csv: line 4, column rating: expected a number, got 'good'"]),
    "bad flag": ("userId,movieId,rating,timestamp,test\n1,10,4,1,train\n", {}, ["line 2, column test"]),
    "no column": ("user,movieId,rating,timestamp\n1,10,4,1\n", {}, ["line 1", "no column userId"]),
    "column twice": ("userId,movieId,rating,rating\n1,10,4,1\n", {}, ["line 1", "rating more than once"]),
    "pair twice": ("userId,movieId,rating,timestamp\na,x,4,1\nb,x,4,1\na,x,3,2\n", {}, ["line 2, line 4"]),
    "no rows": ("userId,movieId,rating,timestamp\n", {}, ["ratings.csv", "at least one row"]),
    "empty": ("", {}, ["ratings.csv", "an empty file"]),
}  # fmt: skip


@pytest.mark.parametrize(("ratings", "data", "parts"), REFUSED.values(), ids=REFUSED)
def test_unconvertible_ratings_raise(
    tmp_path: Path, project: Path, ratings: pa.Table | str, data: dict[str, str], parts: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        run(tmp_path, ratings, **data)
    for part in parts:
        assert part in str(caught.value)
    assert not list(project.rglob("*.*"))


def test_unconvertible_year_raises(tmp_path: Path, project: Path) -> None:
    with pytest.raises(
        InputError, match=r"catalog.csv: line 3, column release_year: expected a number, got 'old'"
    ):
        run(tmp_path, RATINGS_CSV, "movieId,release_year\n10,1995\n20,old\n")
