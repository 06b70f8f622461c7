"""Ratings and catalogues as parquet, as strangers write them."""

from __future__ import annotations

import decimal
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq

from tests.helpers.source_files import catalog_table, ratings_table
from tests.helpers.stage_cases import Case

ROWS = [(2, 10, 4.0, 50), (1, 20, 0.5, 70), (1, 10, 5.0, 70)]
MOVIES = catalog_table(movieId=[20, 10], original_title=["B", "A"], genre_1=["Drama", "Crime"])


def tables_case(rated: pa.Table | None = None, movies: pa.Table | None = None, **write) -> Case:
    def prepare(folder: Path) -> dict[str, object]:
        pq.write_table(ratings_table(ROWS) if rated is None else rated, folder / "r.parquet", **write)
        pq.write_table(MOVIES if movies is None else movies, folder / "c.parquet")
        return source(folder)

    return Case("ingest", prepare)


def source(folder: Path, rated: str = "r.parquet", movies: str = "c.parquet") -> dict[str, object]:
    return {"data": {"source": "tables", "catalog": str(folder / movies), "ratings": str(folder / rated)}}


def column(name: str, values: object, table: pa.Table | None = None) -> pa.Table:
    table = ratings_table(ROWS) if table is None else table
    values = values if isinstance(values, pa.Array) else pa.array(values)
    return table.set_column(table.column_names.index(name), name, values)


def catalog_with(name: str, *values: object) -> pa.Table:
    column_values = values[0] if isinstance(values[0], pa.Array) else pa.array(list(values))
    return column(
        name, column_values, catalog_table(movieId=[10 * (i + 1) for i in range(len(column_values))])
    )


def file_case(change: Callable[[Path], str | None]) -> Case:
    """Ratings whose file, or whose place, is changed after it was written well."""

    def prepare(folder: Path) -> dict[str, object]:
        pq.write_table(ratings_table(ROWS), folder / "r.parquet")
        pq.write_table(MOVIES, folder / "c.parquet")
        return source(folder, change(folder / "r.parquet") or "r.parquet")

    return Case("ingest", prepare)


def rewrite_bytes(how: Callable[[bytes], bytes]) -> Case:
    def change(path: Path) -> None:
        path.write_bytes(how(path.read_bytes()))

    return file_case(change)


class Exploit:
    """Would touch a file if it were loaded."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("exploited",)


def with_extension(metadata: dict[bytes, bytes]) -> pa.Table:
    table = ratings_table(ROWS)
    field = table.schema.field("timestamp").with_metadata(metadata)
    return table.cast(table.schema.set(3, field))


def repeated_name() -> pa.Table:
    table = ratings_table(ROWS)
    return pa.Table.from_arrays([*table.columns, table["rating"]], [*table.column_names, "rating"])


def as_folder(path: Path) -> str:
    folder = path.parent / "parts"
    folder.mkdir()
    pq.write_table(ratings_table(ROWS[:1]), folder / "1.parquet")
    pq.write_table(ratings_table(ROWS[1:]).drop_columns("rating"), folder / "2.parquet")
    return "parts"


def rename_file(name: str) -> Case:
    def move(path: Path) -> str:
        renamed = path.parent / name
        renamed.parent.mkdir(parents=True, exist_ok=True)
        path.rename(renamed)
        return name

    return file_case(move)


def create_file(path: Path, name: str, write: Callable[[Path], object]) -> str:
    write(path.parent / name)
    return name


RATINGS = {
    **{f"no {name}": tables_case(ratings_table(ROWS).drop_columns(name))
       for name in ("userId", "movieId", "rating", "timestamp")},
    "columns renamed": tables_case(ratings_table(ROWS).rename_columns(["user_id", "item_id", "rating", "ts"])),
    "columns in lower case": tables_case(ratings_table(ROWS).rename_columns(["userid", "movieid", "rating", "timestamp"])),
    "columns extra": tables_case(ratings_table(ROWS).append_column("note", [["a", "b", "c"]])),
    "a column twice": tables_case(repeated_name()),
    "columns in another order": tables_case(ratings_table(ROWS).select(["timestamp", "rating", "movieId", "userId"])),
    "a thousand columns": tables_case(pa.table({**{c: ratings_table(ROWS)[c] for c in ratings_table(ROWS).column_names},
                                           **{f"x{i}": [1, 2, 3] for i in range(1000)}})),
    "ids as text": tables_case(column("userId", ["1", "2", "x"])),
    "ids as floats": tables_case(column("movieId", [10.0, 20.0, 30.0])),
    "ids as booleans": tables_case(column("userId", [True, False, True])),
    "ids as decimals": tables_case(column("userId", pa.array([decimal.Decimal(i) for i in (1, 2, 3)]))),
    "ids as categories": tables_case(column("userId", pa.array(["a", "b", "b"]).dictionary_encode())),
    "ids as bytes": tables_case(column("userId", [b"1", b"2", b"3"])),
    "ids of 8 bits": tables_case(column("movieId", pa.array([10, 20, 30], pa.int8()))),
    "ids beyond 32 bits": tables_case(column("userId", [2**40, 2**33, 5])),
    "ids at the end of 64 bits": tables_case(column("userId", [2**63 - 1, -(2**63), 0])),
    "ids beyond 64 bits": tables_case(column("userId", pa.array([2**63, 1, 2], pa.uint64()))),
    "ids below 0": tables_case(column("userId", [-1, -2, -3])),
    "ids missing": tables_case(column("movieId", [10, None, None])),
    "an id column of nulls": tables_case(column("movieId", pa.nulls(3))),
    "ratings NaN": tables_case(column("rating", [4.0, float("nan"), 5.0])),
    "ratings infinite": tables_case(column("rating", [float("inf"), -float("inf"), 5.0])),
    "ratings 0": tables_case(column("rating", [0.0, 0.0, 5.0])),
    "ratings 1 to 10": tables_case(column("rating", [7.0, 9.0, 10.0])),
    "ratings in percent": tables_case(column("rating", [80, 95, 100])),
    "ratings between half stars": tables_case(column("rating", [3.25, 4.0, 4.1])),
    "ratings nearly half stars": tables_case(column("rating", [3.5000000001, 4.0, 4.0])),
    "ratings as text": tables_case(column("rating", ["4", "3.5", "good"])),
    "ratings missing": tables_case(column("rating", [4.0, None, 5.0])),
    "ratings whole": tables_case(column("rating", [4, 3, 5])),
    "ratings of 16 bits": tables_case(column("rating", pa.array(np.array([4, 3.5, 5], np.float16)))),
    "ratings as decimals": tables_case(column("rating", pa.array([decimal.Decimal(s) for s in ("4.0", "3.5", "5.0")]))),
    "ratings as lists": tables_case(column("rating", [[4.0], [3.5], [5.0]])),
    "thumbs": tables_case(column("rating", [True, False, True])),
    "times in milliseconds": tables_case(column("timestamp", [964982703000, 964982703001, 964982703002])),
    "times in microseconds": tables_case(column("timestamp", [964982703000000, 1, 2])),
    "times below 0": tables_case(column("timestamp", [-1, 1, 2])),
    "times all equal": tables_case(column("timestamp", [7, 7, 7])),
    "times as floats": tables_case(column("timestamp", [1.0, 2.0, 3.0])),
    "times as text": tables_case(column("timestamp", ["2001-01-01", "2001-01-02", ""])),
    "times as datetimes": tables_case(column("timestamp", pa.array([1, 2, 3], pa.timestamp("ns")))),
    "times missing": tables_case(column("timestamp", [1, None, 3])),
    "a pair twice": tables_case(ratings_table([*ROWS, (1, 20, 1.0, 1), (2, 10, 4.0, 50)])),
    "a row twice": tables_case(ratings_table([*ROWS, ROWS[0]])),
    "no rows": tables_case(ratings_table(ROWS).slice(0, 0)),
    "one user, one movie": tables_case(ratings_table(ROWS[:1])),
    "all wrong at once": tables_case(pa.table({"userId": [1, 1, None], "movieId": [1, 1, 1], "rating": [9.0, -1.0, 3.3],
                                          "timestamp": [-1, 10**12, None]})),
    "parts as text": tables_case(ratings_table(ROWS).append_column("test", [["train", "test", "test"]])),
    "parts as 0 and 1": tables_case(ratings_table(ROWS).append_column("test", [[0, 1, 1]])),
    "parts missing": tables_case(ratings_table(ROWS).append_column("test", [[True, None, False]])),
    "garbage as pandas metadata": tables_case(ratings_table(ROWS).replace_schema_metadata({"pandas": b"\xff{garbage"})),
    "an index column of pandas": tables_case(ratings_table(ROWS).append_column("__index_level_0__", [[7, 8, 9]])
                                        .replace_schema_metadata({"pandas": '{"index_columns": ["nothing"]}'})),
    "a pickled extension type": tables_case(with_extension({
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Exploit()),
    })),
    "an unknown extension type": tables_case(with_extension({b"ARROW:extension:name": b"a.stranger",
                                                        b"ARROW:extension:metadata": b"\xff"})),
    **{f"compressed by {how}": tables_case(compression=how) for how in ("gzip", "brotli", "lz4")},
    "parquet of the first version": tables_case(version="1.0"),
}  # fmt: skip

FILES = {
    "parquet cut in half": rewrite_bytes(lambda b: b[: len(b) // 2]),
    "parquet without its end": rewrite_bytes(lambda b: b[:-1]),
    "parquet empty": rewrite_bytes(lambda b: b""),
    "parquet with a bad footer": rewrite_bytes(lambda b: b[:-40] + b"\xff" * 32 + b[-8:]),
    "parquet with a footer too long": rewrite_bytes(lambda b: b[:-8] + b"\xff\xff\xff\x7fPAR1"),
    "parquet overwritten": rewrite_bytes(lambda b: b[:4] + b"\0" * 60 + b[64:]),
    "CSV named parquet": rewrite_bytes(lambda b: b"userId,movieId,rating,timestamp\n1,10,4.0,5\n"),
    "JSON named parquet": rewrite_bytes(lambda b: b'[{"userId": 1}]'),
    "feather named parquet": file_case(lambda p: feather.write_feather(ratings_table(ROWS), p)),
    "zeros named parquet": rewrite_bytes(lambda b: bytes(4096)),
    "nothing there": file_case(lambda p: "elsewhere.parquet"),
    "an empty folder": file_case(lambda p: create_file(p, "none", Path.mkdir)),
    "a folder whose files differ": file_case(as_folder),
    "a broken link": file_case(lambda p: create_file(p, "link.parquet", lambda q: q.symlink_to("nowhere"))),
    "a link to itself": file_case(lambda p: create_file(p, "loop.parquet", lambda q: q.symlink_to(q))),
    "a device": file_case(lambda p: "/dev/null"),
    "a name with spaces": rename_file("my ratings (final).parquet"),
    "a name beyond ASCII": rename_file("bewertungen äöü 映画 🎬.parquet"),
    "a name with glob signs": rename_file("r[1]*?{2}.parquet"),
    "a name with quotes": rename_file('it\'s "mine";--.parquet'),
    "a name with a new line": rename_file("two\nlines.parquet"),
    "a name with a backslash": rename_file("back\\slash.parquet"),
    "a name without an ending": rename_file("ratings"),
    "a folder with equals": rename_file("userId=7/r.parquet"),
}

LONG = "word " * 200_000

CATALOGS = {
    "movies: no movieId": tables_case(movies=MOVIES.drop_columns("movieId")),
    "movies: no tagline": tables_case(movies=MOVIES.drop_columns("tagline")),
    "movies: no columns but ids": tables_case(movies=MOVIES.select(["movieId"])),
    "movies: columns extra": tables_case(movies=MOVIES.append_column("budget", [[1, 2]])),
    "movies: an id twice": tables_case(movies=catalog_table(movieId=[7, 8, 7, 8, 9])),
    "movies: ids as text": tables_case(movies=catalog_with("movieId", "a")),
    "movies: ids as floats": tables_case(movies=catalog_with("movieId", 1.0)),
    "movies: ids missing": tables_case(movies=catalog_with("movieId", 1, None)),
    "movies: no rows": tables_case(movies=MOVIES.slice(0, 0)),
    "movies: year too late": tables_case(movies=catalog_with("release_year", 19950)),
    "movies: year 0": tables_case(movies=catalog_with("release_year", 0)),
    "movies: half a year": tables_case(movies=catalog_with("release_year", 1995.5)),
    "movies: year as text": tables_case(movies=catalog_with("release_year", "1995")),
    "movies: year as float": tables_case(movies=catalog_with("release_year", 1995.0, None)),
    "movies: year NaN": tables_case(movies=catalog_with("release_year", float("nan"), 2000.0)),
    "movies: year infinite": tables_case(movies=catalog_with("release_year", float("inf"))),
    "movies: runtime 0": tables_case(movies=catalog_with("runtime_minutes", 0)),
    "movies: runtime as text": tables_case(movies=catalog_with("runtime_minutes", "142", "two hours")),
    "movies: year as date": tables_case(movies=catalog_with("release_year", pa.array([1], pa.date32()))),
    "movies: names as numbers": tables_case(movies=catalog_with("actor_1", 5)),
    "movies: names as bytes": tables_case(movies=catalog_with("actor_1", b"x")),
    "movies: names as lists": tables_case(movies=catalog_with("actor_1", ["x", "y"])),
    "movies: names as categories": tables_case(
        movies=catalog_with("genre_1", pa.array(["a", "b", "a"]).dictionary_encode())
    ),
    "movies: long strings": tables_case(movies=catalog_with("overview", pa.array(["x"], pa.large_string()))),
    "movies: string views": tables_case(movies=catalog_with("overview", pa.array(["x"], pa.string_view()))),
    "movies: an overview of 1 MB": tables_case(movies=catalog_with("overview", LONG)),
    "movies: an overview of one word of 1 MB": tables_case(movies=catalog_with("overview", "x" * 1_000_000)),
    "movies: HTML": tables_case(
        movies=catalog_with("overview", "<script>alert('x')</script><b>Bold</b> &amp; more")
    ),
    "movies: right to left": tables_case(movies=catalog_with("original_title", "\u202eسینما\u202c", "שלום")),
    "movies: emoji": tables_case(
        movies=catalog_with("original_title", "👨\u200d👩\u200d👧 🎬", "\U0001f1e9\U0001f1ea")
    ),
    "movies: combining marks": tables_case(
        movies=catalog_with("original_title", "Z" + "\u0301" * 50 + "o\u0308")
    ),
    "movies: NUL": tables_case(movies=catalog_with("original_title", "a\0b", "\0")),
    "movies: control characters": tables_case(
        movies=catalog_with("original_title", "a\x1b[31mb\x07", "\x01")
    ),
    "movies: names NFC and NFD": tables_case(movies=catalog_with("actor_1", "Zo\u00eb", "Zoe\u0308")),
    "movies: blanks of all scripts": tables_case(
        movies=catalog_with("actor_1", "\u3000Zoë \u00a0Bell\u2003", "\u2028")
    ),
    "movies: zero-width names": tables_case(movies=catalog_with("actor_1", "\u200b", "\ufeff")),
    "movies: text invalid as UTF-8": Case("ingest", lambda folder: invalid_text(folder)),
    "movies: a lone surrogate": Case("ingest", lambda folder: invalid_text(folder, b"\xed\xa0\x80z")),
    "movies: a name of 100,000 letters": tables_case(movies=catalog_with("actor_1", "N" * 100_000)),
    "movies: names that differ by case": tables_case(
        movies=catalog_with("genre_1", "Drama", "drama", "DRAMA")
    ),
    "movies: bars and separators in names": tables_case(
        movies=catalog_with("genre_1", "A|B", "A::B", 'A\tB,"C"')
    ),
    "movies: the word null": tables_case(movies=catalog_with("original_title", "null", "NaN", "None", "NA")),
}


def invalid_text(folder: Path, instead: bytes = b"z\xff\xfez") -> dict[str, object]:
    pq.write_table(ratings_table(ROWS), folder / "r.parquet")
    pq.write_table(catalog_with("overview", "zzzz"), folder / "c.parquet", compression="none")
    path = folder / "c.parquet"
    path.write_bytes(path.read_bytes().replace(b"zzzz", instead))
    return source(folder)


CASES = {f"ratings: {name}": case for name, case in RATINGS.items()} | {
    f"file: {name}": case for name, case in FILES.items()
} | CATALOGS  # fmt: skip
