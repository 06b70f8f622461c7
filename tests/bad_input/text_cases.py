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


def folder(
    files: Mapping[str, str | bytes | None], theirs: Mapping[str, str | bytes] | None = None, **data: str
) -> Case:
    def prepare(place: Path) -> dict[str, object]:
        for name, within in (("ml", files), ("tmdb", theirs or {})):
            (place / name).mkdir()
            for file, text in within.items():
                if text is not None:
                    (place / name / file).write_bytes(text if isinstance(text, bytes) else text.encode())
        return {
            "data": {"source": "movielens", "movielens": str(place / "ml"), "tmdb": str(place / "tmdb")}
            | data
        }

    return Case("ingest", prepare)


def rated(text: str | bytes) -> Case:
    return folder({**ML, "ratings.csv": text})


def movies(text: str | bytes) -> Case:
    return folder({**ML, "movies.csv": text})


def cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def tmdb(genres: str = "[]", head: str = META_HEAD, **files: str | bytes) -> Case:
    row = f"862,tt0114709,Toy Story,Toy Story,,Woody,1995-10-30,{cell(genres)},[],[],[]\n"
    return folder({**ML, "links.csv": LINKS}, {"movies_metadata.csv": head + row, **files})


def cast(people: str, crew: str = "[]") -> Case:
    return tmdb("[]", **{"credits.csv": f"cast,crew,id\n{cell(people)},{cell(crew)},862\n"})


LINES = {
    "well": folder(ML),
    "a byte order mark": rated("\ufeff" + RATINGS),
    "CRLF": rated(RATINGS.replace("\n", "\r\n")),
    "CR alone": rated(RATINGS.replace("\n", "\r")),
    "no last line end": rated(RATINGS.rstrip()),
    "blank lines": rated(RATINGS.replace("\n", "\n\n")),
    "semicolons": rated(RATINGS.replace(",", ";")),
    "tabs": rated(RATINGS.replace(",", "\t")),
    "decimal commas": rated("userId,movieId,rating,timestamp\n1,1,4,0,964982703\n"),
    "UTF-16": rated(RATINGS.encode("utf-16")),
    "Latin-1": movies(MOVIES.replace("Heat", "Léon").encode("latin-1")),
    "quoted new lines": movies('movieId,title,genres\n1,"Toy\nStory (1995)",Animation\n2,Heat (1995),Crime\n'),
    "a quote that never ends": movies('movieId,title,genres\n1,"Toy Story (1995),Animation\n2,Heat (1995),Crime\n'),
    "quotes within a cell": movies('movieId,title,genres\n1,Toy "Story" (1995),Animation\n2,Heat (1995),Crime\n'),
    "NUL in a title": movies(MOVIES.replace("Heat", "He\0at")),
    "NUL in a number": rated(RATINGS.replace("964981247", "9649\x0081247")),
    "an empty file": rated(""),
    "blanks only": rated("\n\n\n"),
    "a header only": rated(RATINGS.splitlines()[0] + "\n"),
    "no header": rated(RATINGS.split("\n", 1)[1]),
    "a header twice": rated(RATINGS + RATINGS),
    "a column renamed": rated(RATINGS.replace("userId", "user_id")),
    "a column twice": rated(RATINGS.replace("timestamp", "rating")),
    "columns in another order": rated("timestamp,rating,movieId,userId\n964982703,4.0,1,1\n"),
    "a column extra": rated("userId,movieId,rating,timestamp,note\n1,1,4.0,964982703,x\n"),
    "too many cells": rated(RATINGS + "1,3,4.0,5,6\n"),
    "too few cells": rated(RATINGS + "1,3\n"),
    "an id as text": rated(RATINGS + "x,3,4.0,5\n"),
    "an id as float": rated(RATINGS + "1.0,3,4.0,5\n"),
    "an id beyond 64 bits": rated(RATINGS + "99999999999999999999,3,4.0,5\n"),
    "an id in hex": rated(RATINGS + "0x1F,3,4.0,5\n"),
    "an id with underscores": rated(RATINGS + "1_0,3,4.0,5\n"),
    "an id in other digits": rated(RATINGS + "١,3,4.0,5\n"),
    "an id blank": rated(RATINGS + ",3,4.0,5\n"),
    "a rating as text": rated(RATINGS + "1,3,good,5\n"),
    "a rating NaN": rated(RATINGS + "1,3,NaN,5\n"),
    "a rating infinite": rated(RATINGS + "1,3,inf,5\n"),
    "a rating of 1 to 10": rated(RATINGS + "1,3,8.0,5\n"),
    "a rating blank": rated(RATINGS + "1,3,,5\n"),
    "a rating with blanks": rated(RATINGS + "1,3, 4.0 ,5\n"),
    "a time in milliseconds": rated(RATINGS + "1,3,4.0,964982703000\n"),
    "a time as date": rated(RATINGS + "1,3,4.0,2001-01-01\n"),
    "a time with decimals": rated(RATINGS + "1,3,4.0,964982703.0\n"),
    "a pair twice": rated(RATINGS + "1,2,4.0,5\n"),
    "a formula": movies(MOVIES.replace("Heat (1995)", '"=cmd|\'/C calc\'!A0"')),
    "a movie twice": movies(MOVIES + "1,Again (2000),Drama\n"),
    "a movie without id": movies(MOVIES + ",Nobody (2000),Drama\n"),
    "a movie without title": movies(MOVIES + "3,,Drama\n"),
    "a year of five digits": movies(MOVIES + "3,Future (19955),Drama\n"),
    "a title of brackets": movies(MOVIES + "3," + "(" * 2000 + ",Drama\n"),
    "a title of 1 MB": movies(MOVIES + "3," + "x" * 1_000_000 + ",Drama\n"),
    "ratings of unknown movies": rated("userId,movieId,rating,timestamp\n1,77,4.0,964982703\n"),
    "no genres column": movies("movieId,title\n1,Toy Story (1995)\n"),
    "no movies file": folder({**ML, "movies.csv": None}),
    "an empty folder": folder({}),
    "no folder": folder(ML, movielens="nowhere"),
    "a file as folder": folder(ML, movielens="params.yaml"),
    "an archive": folder({"ml-latest-small.zip": b"PK\3\4"}),
    "tags malformed": folder({**ML, "tags.csv": "userId,movieId,tag,timestamp\n1,x,fun,3\n"}),
    "links malformed": folder({**ML, "links.csv": "movieId,imdbId,tmdbId\n1,tt0114709,862\n"}),
    "links twice": folder({**ML, "links.csv": LINKS + "1,0114709,862\n"}),
    "one colon": folder({**DAT, "ratings.dat": "1:1:5:978300760\n"}),
    "colons in a title": folder({**DAT, "movies.dat": "1::Heat:: again (1995)::Crime\n"}),
    "dat with a header": folder({**DAT, "ratings.dat": "userId::movieId::rating::timestamp\n1::1::5::978300760\n"}),
    "100K well": folder(U),
    "100K with blanks for tabs": folder({**U, "u.data": "1 1 3 881250949\n"}),
    "100K with a flag too few": folder({**U, "u.item": f"1|Heat (1995)|01-Jan-1995|||{FLAGS[:-2]}\n"}),
    "100K with a flag as text": folder({**U, "u.item": f"1|Heat (1995)|01-Jan-1995|||yes{FLAGS[1:]}\n"}),
    "a split without its files": folder(U, base="u9.base", test="u9.test"),
    "a split by half": folder(U, base="u1.base", test=""),
    "a split that overlaps": folder({**U, "u1.base": U["u.data"], "u1.test": U["u.data"]}, base="u1.base", test="u1.test"),
    "a split outside the folder": folder(U, base="../../etc/passwd", test="u.data"),
}  # fmt: skip

TMDB = {
    "well": tmdb("[{'id': 16, 'name': 'Animation'}]"),
    "JSON": tmdb(json.dumps([{"id": 16, "name": "Animation"}])),
    "malformed": tmdb("[{'id': 16, 'name': 'Anim"),
    "code": tmdb("__import__('os').mkdir('exploited')"),
    "code in a record": tmdb("[{'name': __import__('os').mkdir('exploited')}]"),
    "a comprehension": tmdb("[{'name': x} for x in 'ab']"),
    "a huge power": tmdb("[{'name': 9**9**9**9}]"),
    "deep brackets": tmdb("[" * 100_000),
    "deep brackets closed": tmdb("[" * 3000 + "]" * 3000),
    "many minuses": tmdb("[" + "-" * 100_000 + "1]"),
    "a dictionary": tmdb("{'name': 'Animation'}"),
    "a number": tmdb("7"),
    "a list of text": tmdb("['Animation']"),
    "no name": tmdb("[{'id': 16}]"),
    "a name that is null": tmdb('[{"name": null}, {"name": "Second"}]'),
    "a name that is a number": tmdb("[{'name': 5}]"),
    "a name of blanks": tmdb("[{'name': '  '}]"),
    "half a sign": tmdb('[{"name": "\\ud83c broken"}]'),
    "NUL": tmdb('[{"name": "a\\u0000b"}]'),
    "NaN": tmdb('[{"name": NaN}]'),
    "a backslash": tmdb(r"[{'name': 'a\d'}]"),
    "bytes": tmdb("[{'name': b'x'}]"),
    "an order that is text": cast("[{'name': 'A', 'order': 'x'}, {'name': 'B', 'order': 0}]"),
    "an order that is infinite": cast("[{'name': 'A', 'order': 1e999}, {'name': 'B', 'order': -1e999}]"),
    "an order that is NaN": cast('[{"name": "A", "order": NaN}, {"name": "B", "order": 0}]'),
    "an order of 5,000 digits": cast('[{"name": "A", "order": ' + "9" * 4000 + '}, {"name": "B", "order": 0}]'),
    "a job that is a list": cast("[]", "[{'name': 'A', 'job': ['Director']}, {'name': 'B', 'job': 'Director'}]"),
    "credits without id": tmdb(**{"credits.csv": "cast,crew\n[],[]\n"}),
    "credits with text as id": tmdb(**{"credits.csv": "cast,crew,id\n[],[],x\n"}),
    "credits twice": tmdb(**{"credits.csv": "cast,crew,id\n[],[],862\n[],[],862\n"}),
    "credits empty": tmdb(**{"credits.csv": ""}),
    "two files of credits": tmdb(**{"credits.csv": "cast,crew,id\n", "credits_2.csv": "cast,crew,id\n"}),
    "Latin-1": tmdb("[]", **{"credits.csv": "cast,crew,id\n\"[{'name': 'Zoé'}]\",[],862\n".encode("latin-1")}),
    "no title column": tmdb(head=META_HEAD.replace("original_title", "name")),
    "rows cut short": tmdb(**{"movies_metadata.csv": META_HEAD + "862,tt01\n"}),
    "a date as id": tmdb(**{"movies_metadata.csv": META_HEAD + "1997-08-20,tt0114709,A,A,,B,x,[],[],[],[]\n"}),
    "an id twice": tmdb(**{"movies_metadata.csv": META_HEAD + "862,tt0114709,A,A,,B,x,[],[],[],[]\n" * 2}),
    "no links": folder(ML, {"movies_metadata.csv": META_HEAD + "862,x,Heat,Heat,,B,1995-01-01,[],[],[],[]\n"}),
    "other CSV files": folder(ML, {"my_movies.csv": "a,b\n1,2\n"}),
    "a file as folder": folder(ML, tmdb="params.yaml"),
}  # fmt: skip

CASES = {f"lines: {name}": case for name, case in LINES.items()} | {
    f"tmdb: {name}": case for name, case in TMDB.items()
}
