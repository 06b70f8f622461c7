"""Ratings files as people have them, good and bad, and what becomes of them.

``python -m tests.bad_input.rating_file_cases`` writes the expected outcomes anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.rating_imports.matching import match_ratings
from reelgraph.app.rating_imports.ratings_file import parse_ratings_file
from reelgraph.runtime.errors import InputError
from tests.app.test_archives import zip_files
from tests.app.test_rating_imports import IMDB, LETTERBOXD, TRAKT
from tests.helpers import bundle_samples

EXPECTED_FILE = Path(__file__).parent / "expected_rating_files.json"
"""Case name → error message, or the layout, scale, notes, stars by movie id, and skipped rows by line."""
CATALOG = bundle_samples.sample_catalog(30)
TITLES = TitleIndex(CATALOG)

HEADER = "Date,Name,Year,Letterboxd URI,Rating"
TABLE = "title,year,rating,date"


def csv_file(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


DATES = {
    "month first": csv_file(HEADER, "3/14/2024,Heat,1995,u,4.5", "12/1/2023,Heat,1995,u,1"),
    "day first": csv_file(HEADER, "14/3/2024,Heat,1995,u,4.5", "1/12/2023,Heat,1995,u,1"),
    "ambiguous dates": csv_file(HEADER, "3/4/2024,Heat,1995,u,4.5", "12/1/2023,Amelie,2001,u,1"),
    "both orders": csv_file(HEADER, "13/4/2024,Heat,1995,u,4.5", "4/13/2024,Amelie,2001,u,1"),
    "Excel's days": csv_file(HEADER, "45365,Heat,1995,u,4.5", "45261.5,Heat,1995,u,1"),
    "milliseconds": csv_file(HEADER, "1710374400000,Heat,1995,u,4.5", "1701388800000,Heat,1995,u,1"),
    "one bad date": csv_file(HEADER, "2024-03-14,Heat,1995,u,4.5", "yesterday,Amelie,2001,u,1"),
    "dates before 1970": csv_file(HEADER, "1960-03-14,Heat,1995,u,4.5"),
    "named months": csv_file(HEADER, '"Mar 14, 2024",Heat,1995,u,4.5', "1 December 2023,Heat,1995,u,1"),
    "IMDb's date added": csv_file(
        "Const,Your Rating,Date Added,Title,Year", "tt0001004,9,2017-10-20,Heat,1995"
    ),
}
SCALES = {
    "five stars with halves": csv_file(TABLE, "Heat,1995,4.5,2024-01-01", "Amelie,2001,5,2024-01-02"),
    "whole stars": csv_file(TABLE, "Heat,1995,4,2024-01-01", "Amelie,2001,5,2024-01-02"),
    "a scale to 10": csv_file(TABLE, "Heat,1995,8,2024-01-01", "Amelie,2001,5,2024-01-02"),
    "per cent": csv_file(TABLE, "Heat,1995,85,2024-01-01", "Amelie,2001,40,2024-01-02"),
    "halves, and one 9": csv_file(TABLE, "Heat,1995,4.5,", "Amelie,2001,5,", "Rocky II,1979,9,"),
    "Letterboxd's, and one 9": csv_file(HEADER, ",Heat,1995,u,4.5", ",Amelie,2001,u,5", ",Rocky II,1979,u,9"),
    "Letterboxd's to 10": csv_file(HEADER, ",Heat,1995,u,8", ",Amelie,2001,u,9"),
    "decimal commas": csv_file("title;year;rating", "Heat;1995;4,5"),
    "no numbers": csv_file(TABLE, "Heat,1995,good,", "Amelie,2001,nan,", "Rocky II,1979,,"),
}
TEXTS = {
    "semicolons": LETTERBOXD.replace(",", ";").encode(),
    "a separator line": b"sep=;\r\n" + LETTERBOXD.replace(",", ";").encode(),
    "tabs in UTF-16": LETTERBOXD.replace(",", "\t").encode("utf-16"),
    "Windows-1252": LETTERBOXD.encode("cp1252"),
    "blank lines": b"\n\n" + LETTERBOXD.replace("\n", "\n\n").encode(),
    "a header in lower case": LETTERBOXD.replace(HEADER, HEADER.lower()).encode(),
    "a quote in a cell": csv_file(HEADER, "2024-03-01,Heat,1995,u,4", '2024-03-01,"The "Burbs"",1989,u,3'),
    "a comma in a title": csv_file(HEADER, "2024-03-01,Matrix, The,1999,u,4", "2024-03-01,Heat,1995,u,4"),
    "a header only": csv_file(HEADER),
    "no header": csv_file("2024-03-01,Heat,1995,u,4"),
    "an empty file": b"",
    "NUL": LETTERBOXD.replace("Heat", "He\0at").encode(),
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "a web page": b"<!DOCTYPE html><html></html>",
    "an Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "control characters": csv_file(HEADER, "2024-03-01,\x1b[2JHeat,1995,u,4"),
    "watched, without ratings": csv_file("Date,Name,Year,Letterboxd URI", "2024-03-01,Heat,1995,u"),
    "two users": csv_file("userId,movieId,rating,timestamp", "1,104,4,1", "2,104,4,1"),
}
JSON_TEXTS = {
    "deep JSON": b"[" * 100_000,
    "deep JSON that ends": b"[" * 200 + b"]" * 200,
    "half of a surrogate pair": b'[{"rated_at": "2024-01-01T00:00:00Z", "rating": 8, '
    b'"movie": {"title": "He\\ud800at", "year": 1995, "ids": {}}}]',
    "a number of 5,000 digits": b'[{"title": "Heat", "rating": ' + b"9" * 5_000 + b"}]",
    "JSON that breaks off": TRAKT[:200].encode(),
    "a JSON string": b'["Heat"]',
    "Trakt's object": json.dumps({"movies": json.loads(TRAKT)[:1], "shows": json.loads(TRAKT)[1:2]}).encode(),
}
ARCHIVES = {
    "Letterboxd's zip": zip_files({"profile.csv": "a,b\n", "ratings.csv": LETTERBOXD, "watched.csv": "a\n"}),
    "Trakt's zip": zip_files({"ratings/ratings-movies.json": TRAKT, "ratings/ratings-shows.json": "[]"}),
    "a zip without ratings": zip_files({"profile.csv": "a,b\n", "watched.csv": "a\n"}),
    "a zip with a path that leaves it": zip_files({"../ratings.csv": LETTERBOXD}),
    "a zip bomb": zip_files({"ratings.csv": b"0" * 5_000_000}),
    "a zip in a zip": zip_files({"ratings.csv": zip_files({"ratings.csv": LETTERBOXD})}),
    "a workbook": zip_files({"[Content_Types].xml": "", "xl/workbook.xml": ""}),
    "half a zip": zip_files({"ratings.csv": LETTERBOXD})[:200],
}
MOVIES = {
    "series and games": IMDB.encode(),
    "a special with a known id": csv_file(
        "Const,Your Rating,Title,Title Type,Year", "tt0001004,9,Any,TV Special,1995"
    ),
    "an ambiguous title": csv_file(HEADER, "2024-03-01,Same Name,2010,u,4"),
    "an ambiguous title with movieId": csv_file(f"{HEADER},movieId", "2024-03-01,Same Name,2010,u,4,114"),
    "an ambiguous title with an IMDb id": csv_file(
        f"{HEADER},imdbID", "2024-03-01,Same Name,2010,u,4,tt0001013"
    ),
    "a year off by one": csv_file(HEADER, "2024-03-01,Heat,1996,u,4"),
    "another year": csv_file(HEADER, "2024-03-01,Heat,2020,u,4"),
}
CASES = DATES | SCALES | TEXTS | JSON_TEXTS | ARCHIVES | MOVIES


def import_file(content: bytes) -> dict[str, object]:
    """Return the outcome of an import."""
    try:
        matched = match_ratings(parse_ratings_file(content, "FILE"), CATALOG, TITLES)
    except InputError as error:
        return {"error": str(error)}
    return {
        "site": matched.file.site,
        "scale": matched.file.scale,
        "notes": [*matched.file.notes, *matched.file.warnings],
        "stars": {str(CATALOG.movie_ids[match.row]): match.rating.stars for match in matched.matches},
        "skipped": {str(row.line): f"{row.title}: {row.reason}" for row in matched.skipped},
    }


def main() -> None:
    """Write the current outcomes, to be read line by line before a commit."""
    lines = [
        f"{json.dumps(name)}: {json.dumps(import_file(content), ensure_ascii=False)}"
        for name, content in CASES.items()
    ]
    EXPECTED_FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
