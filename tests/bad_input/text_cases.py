"""MovieLens' and TMDB's text files, as mirrors and spreadsheets mangle them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tests.helpers.source_files import FLAGS
from tests.helpers.stage_cases import Case

RATINGS = "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,2,0.5,964981247\n"
MOVIES = "movieId,title,genres\n1,Toy Story (1995),Animation|Children\n2,Heat (1995),Crime\n"
LINKS = "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113277,949\n"
ML: Mapping[str, str | bytes] = {"ratings.csv": RATINGS, "movies.csv": MOVIES}
DAT: Mapping[str, str | bytes] = {
    "ratings.dat": "1::1::5::978300760\n",
    "movies.dat": "1::Heat (1995)::Crime\n",
}
U: Mapping[str, str | bytes] = {
    "u.data": "1\t1\t3\t881250949\n",
    "u.item": f"1|Heat (1995)|01-Jan-1995|||{FLAGS}\n",
}

META_HEAD = "id,imdb_id,original_title,title,tagline,overview,release_date,genres,production_companies,"
META_HEAD += "production_countries,spoken_languages\n"


def folder_case(
    files: Mapping[str, str | bytes | None], tmdb_files: Mapping[str, str | bytes] | None = None, **data: str
) -> Case:
    def prepare(folder: Path) -> dict[str, object]:
        for name, within in (("ml", files), ("tmdb", tmdb_files or {})):
            (folder / name).mkdir()
            for file, text in within.items():
                if text is not None:
                    (folder / name / file).write_bytes(text if isinstance(text, bytes) else text.encode())
        return {
            "data": {"source": "movielens", "movielens": str(folder / "ml"), "tmdb": str(folder / "tmdb")}
            | data
        }

    return Case("ingest", prepare)


def ratings_case(text: str | bytes) -> Case:
    return folder_case({**ML, "ratings.csv": text})


def movies_case(text: str | bytes) -> Case:
    return folder_case({**ML, "movies.csv": text})


def quote_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def tmdb_case(genres: str = "[]", head: str = META_HEAD, **files: str | bytes) -> Case:
    row = f"862,tt0114709,Toy Story,Toy Story,,Woody,1995-10-30,{quote_cell(genres)},[],[],[]\n"
    return folder_case({**ML, "links.csv": LINKS}, {"movies_metadata.csv": head + row, **files})


def cast_case(people: str, crew: str = "[]") -> Case:
    return tmdb_case("[]", **{"credits.csv": f"cast,crew,id\n{quote_cell(people)},{quote_cell(crew)},862\n"})


LINES = {
    "well": folder_case(ML),
    "a byte order mark": ratings_case("\ufeff" + RATINGS),
    "CRLF": ratings_case(RATINGS.replace("\n", "\r\n")),
    "CR alone": ratings_case(RATINGS.replace("\n", "\r")),
    "no last line end": ratings_case(RATINGS.rstrip()),
    "blank lines": ratings_case(RATINGS.replace("\n", "\n\n")),
    "semicolons": ratings_case(RATINGS.replace(",", ";")),
    "tabs": ratings_case(RATINGS.replace(",", "\t")),
    "decimal commas": ratings_case("userId,movieId,rating,timestamp\n1,1,4,0,964982703\n"),
    "UTF-16": ratings_case(RATINGS.encode("utf-16")),
    "Latin-1": movies_case(MOVIES.replace("Heat", "Léon").encode("latin-1")),
    "quoted new lines": movies_case('movieId,title,genres\n1,"Toy\nStory (1995)",Animation\n2,Heat (1995),Crime\n'),
    "a quote that never ends": movies_case('movieId,title,genres\n1,"Toy Story (1995),Animation\n2,Heat (1995),Crime\n'),
    "quotes within a cell": movies_case('movieId,title,genres\n1,Toy "Story" (1995),Animation\n2,Heat (1995),Crime\n'),
    "NUL in a title": movies_case(MOVIES.replace("Heat", "He\0at")),
    "NUL in a number": ratings_case(RATINGS.replace("964981247", "9649\x0081247")),
    "an empty file": ratings_case(""),
    "blanks only": ratings_case("\n\n\n"),
    "a header only": ratings_case(RATINGS.splitlines()[0] + "\n"),
    "no header": ratings_case(RATINGS.split("\n", 1)[1]),
    "a header twice": ratings_case(RATINGS + RATINGS),
    "a column renamed": ratings_case(RATINGS.replace("userId", "user_id")),
    "a column twice": ratings_case(RATINGS.replace("timestamp", "rating")),
    "columns in another order": ratings_case("timestamp,rating,movieId,userId\n964982703,4.0,1,1\n"),
    "a column extra": ratings_case("userId,movieId,rating,timestamp,note\n1,1,4.0,964982703,x\n"),
    "too many cells": ratings_case(RATINGS + "1,3,4.0,5,6\n"),
    "too few cells": ratings_case(RATINGS + "1,3\n"),
    "an id as text": ratings_case(RATINGS + "x,3,4.0,5\n"),
    "an id as float": ratings_case(RATINGS + "1.0,3,4.0,5\n"),
    "an id beyond 64 bits": ratings_case(RATINGS + "99999999999999999999,3,4.0,5\n"),
    "an id in hex": ratings_case(RATINGS + "0x1F,3,4.0,5\n"),
    "an id with underscores": ratings_case(RATINGS + "1_0,3,4.0,5\n"),
    "an id in other digits": ratings_case(RATINGS + "١,3,4.0,5\n"),
    "an id blank": ratings_case(RATINGS + ",3,4.0,5\n"),
    "a rating as text": ratings_case(RATINGS + "1,3,good,5\n"),
    "a rating NaN": ratings_case(RATINGS + "1,3,NaN,5\n"),
    "a rating infinite": ratings_case(RATINGS + "1,3,inf,5\n"),
    "a rating of 1 to 10": ratings_case(RATINGS + "1,3,8.0,5\n"),
    "a rating blank": ratings_case(RATINGS + "1,3,,5\n"),
    "a rating with blanks": ratings_case(RATINGS + "1,3, 4.0 ,5\n"),
    "a time in milliseconds": ratings_case(RATINGS + "1,3,4.0,964982703000\n"),
    "a time as date": ratings_case(RATINGS + "1,3,4.0,2001-01-01\n"),
    "a time with decimals": ratings_case(RATINGS + "1,3,4.0,964982703.0\n"),
    "a pair twice": ratings_case(RATINGS + "1,2,4.0,5\n"),
    "a formula": movies_case(MOVIES.replace("Heat (1995)", '"=cmd|\'/C calc\'!A0"')),
    "a movie twice": movies_case(MOVIES + "1,Again (2000),Drama\n"),
    "a movie without id": movies_case(MOVIES + ",Nobody (2000),Drama\n"),
    "a movie without title": movies_case(MOVIES + "3,,Drama\n"),
    "a year of five digits": movies_case(MOVIES + "3,Future (19955),Drama\n"),
    "a title of brackets": movies_case(MOVIES + "3," + "(" * 2000 + ",Drama\n"),
    "a title of 1 MB": movies_case(MOVIES + "3," + "x" * 1_000_000 + ",Drama\n"),
    "ratings of unknown movies": ratings_case("userId,movieId,rating,timestamp\n1,77,4.0,964982703\n"),
    "no genres column": movies_case("movieId,title\n1,Toy Story (1995)\n"),
    "no movies file": folder_case({**ML, "movies.csv": None}),
    "an empty folder": folder_case({}),
    "no folder": folder_case(ML, movielens="nowhere"),
    "a file as folder": folder_case(ML, movielens="params.yaml"),
    "an archive": folder_case({"ml-latest-small.zip": b"PK\3\4"}),
    "tags malformed": folder_case({**ML, "tags.csv": "userId,movieId,tag,timestamp\n1,x,fun,3\n"}),
    "links malformed": folder_case({**ML, "links.csv": "movieId,imdbId,tmdbId\n1,tt0114709,862\n"}),
    "links twice": folder_case({**ML, "links.csv": LINKS + "1,0114709,862\n"}),
    "one colon": folder_case({**DAT, "ratings.dat": "1:1:5:978300760\n"}),
    "colons in a title": folder_case({**DAT, "movies.dat": "1::Heat:: again (1995)::Crime\n"}),
    "dat with a header": folder_case({**DAT, "ratings.dat": "userId::movieId::rating::timestamp\n1::1::5::978300760\n"}),
    "100K well": folder_case(U),
    "100K with blanks for tabs": folder_case({**U, "u.data": "1 1 3 881250949\n"}),
    "100K with a flag too few": folder_case({**U, "u.item": f"1|Heat (1995)|01-Jan-1995|||{FLAGS[:-2]}\n"}),
    "100K with a flag as text": folder_case({**U, "u.item": f"1|Heat (1995)|01-Jan-1995|||yes{FLAGS[1:]}\n"}),
    "a split without its files": folder_case(U, base="u9.base", test="u9.test"),
    "a split by half": folder_case(U, base="u1.base", test=""),
    "a split that overlaps": folder_case({**U, "u1.base": U["u.data"], "u1.test": U["u.data"]}, base="u1.base", test="u1.test"),
    "a split outside the folder": folder_case(U, base="../../etc/passwd", test="u.data"),
}  # fmt: skip

TMDB = {
    "well": tmdb_case("[{'id': 16, 'name': 'Animation'}]"),
    "JSON": tmdb_case(json.dumps([{"id": 16, "name": "Animation"}])),
    "malformed": tmdb_case("[{'id': 16, 'name': 'Anim"),
    "code": tmdb_case("__import__('os').mkdir('exploited')"),
    "code in a record": tmdb_case("[{'name': __import__('os').mkdir('exploited')}]"),
    "a comprehension": tmdb_case("[{'name': x} for x in 'ab']"),
    "a huge power": tmdb_case("[{'name': 9**9**9**9}]"),
    "deep brackets": tmdb_case("[" * 100_000),
    "deep brackets closed": tmdb_case("[" * 3000 + "]" * 3000),
    "many minuses": tmdb_case("[" + "-" * 100_000 + "1]"),
    "a dictionary": tmdb_case("{'name': 'Animation'}"),
    "a number": tmdb_case("7"),
    "a list of text": tmdb_case("['Animation']"),
    "no name": tmdb_case("[{'id': 16}]"),
    "a name that is null": tmdb_case('[{"name": null}, {"name": "Second"}]'),
    "a name that is a number": tmdb_case("[{'name': 5}]"),
    "a name of blanks": tmdb_case("[{'name': '  '}]"),
    "half a sign": tmdb_case('[{"name": "\\ud83c broken"}]'),
    "NUL": tmdb_case('[{"name": "a\\u0000b"}]'),
    "NaN": tmdb_case('[{"name": NaN}]'),
    "a backslash": tmdb_case(r"[{'name': 'a\d'}]"),
    "bytes": tmdb_case("[{'name': b'x'}]"),
    "an order that is text": cast_case("[{'name': 'A', 'order': 'x'}, {'name': 'B', 'order': 0}]"),
    "an order that is infinite": cast_case("[{'name': 'A', 'order': 1e999}, {'name': 'B', 'order': -1e999}]"),
    "an order that is NaN": cast_case('[{"name": "A", "order": NaN}, {"name": "B", "order": 0}]'),
    "an order of 5,000 digits": cast_case('[{"name": "A", "order": ' + "9" * 4000 + '}, {"name": "B", "order": 0}]'),
    "a job that is a list": cast_case("[]", "[{'name': 'A', 'job': ['Director']}, {'name': 'B', 'job': 'Director'}]"),
    "credits without id": tmdb_case(**{"credits.csv": "cast,crew\n[],[]\n"}),
    "credits with text as id": tmdb_case(**{"credits.csv": "cast,crew,id\n[],[],x\n"}),
    "credits twice": tmdb_case(**{"credits.csv": "cast,crew,id\n[],[],862\n[],[],862\n"}),
    "credits empty": tmdb_case(**{"credits.csv": ""}),
    "two files of credits": tmdb_case(**{"credits.csv": "cast,crew,id\n", "credits_2.csv": "cast,crew,id\n"}),
    "Latin-1": tmdb_case("[]", **{"credits.csv": "cast,crew,id\n\"[{'name': 'Zoé'}]\",[],862\n".encode("latin-1")}),
    "no title column": tmdb_case(head=META_HEAD.replace("original_title", "name")),
    "rows cut short": tmdb_case(**{"movies_metadata.csv": META_HEAD + "862,tt01\n"}),
    "a date as id": tmdb_case(**{"movies_metadata.csv": META_HEAD + "1997-08-20,tt0114709,A,A,,B,x,[],[],[],[]\n"}),
    "an id twice": tmdb_case(**{"movies_metadata.csv": META_HEAD + "862,tt0114709,A,A,,B,x,[],[],[],[]\n" * 2}),
    "no links": folder_case(ML, {"movies_metadata.csv": META_HEAD + "862,x,Heat,Heat,,B,1995-01-01,[],[],[],[]\n"}),
    "other CSV files": folder_case(ML, {"my_movies.csv": "a,b\n1,2\n"}),
    "a file as folder": folder_case(ML, tmdb="params.yaml"),
}  # fmt: skip

CASES = {f"lines: {name}": case for name, case in LINES.items()} | {
    f"tmdb: {name}": case for name, case in TMDB.items()
}
