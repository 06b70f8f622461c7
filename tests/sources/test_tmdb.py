from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.runtime.errors import InputError
from reelgraph.sources.tmdb_files import JsonListParser
from stages import ingest
from tests.helpers.source_files import LATEST, ingest_params, write_files

NAMES = ("id", "imdb_id", "original_title", "title", "tagline", "overview", "genres", "production_companies",
         "production_countries", "spoken_languages", "release_date")  # fmt: skip


def sheet(names, rows):
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])
    return text.getvalue()


def listed(*names):
    return [{"id": 1, "name": name} for name in names]


METADATA = sheet(NAMES, [
    ("862", "tt0114709", "Toy Story", "Toy Story", "", "Led by\nWoody", str(listed("Animation", "Comedy")),
     str(listed("Pixar")), "{'name': 'broken", "[]", "1995-10-30"),
    ("7", "tt0110877", "Il Postino", "The Postman", "T", "No overview found.", "[]", "False", "[]",
     str(listed("", "Italiano")), "1994-09-22"),
    ("1997-08-20", "0", "bad", "bad", "", "", "[]", "[]", "[]", "[]", "1"),
    ("862", "tt9", "second", "second", "", "", "[]", "[]", "[]", "[]", "1995-01-01"),
]) + "1,2\n"  # fmt: skip

CREDITS = sheet(("cast", "crew", "id"), [
    (str([{"name": "Tim Allen", "order": 1}, {"name": "Tom Hanks", "order": 0}]),
     str([{"job": "Story", "name": "S"}, {"job": "Director", "name": "John Lasseter"},
          {"job": "Director", "name": "Z"}, {"job": "Screenplay", "name": "Joss"}]), "862"),
])  # fmt: skip

TMDB_5000 = sheet(("id", "original_title", "title", "tagline", "overview", "genres", "production_countries",
                   "release_date"), [
    ("862", "Other", "Other", "The adventure takes off!", "unused", json.dumps(listed("Family")),
     json.dumps(listed("United States of America")), "1996-10-30"),
])  # fmt: skip

TMDB_5000_CREDITS = sheet(("movie_id", "title", "cast", "crew"), [
    ("862", "Toy Story", json.dumps([{"name": n, "order": i} for i, n in enumerate("ABCD")]), "[]"),
])  # fmt: skip

TEN_K = sheet(("id", "imdb_id", "original_title", "cast", "director", "tagline", "overview", "genres",
               "production_companies", "release_year"), [
    ("7", "tt0110877", "Il Postino", "Massimo Troisi|Philippe Noiret", "Radford|Troisi", "", "A postman", "Drama|Comedy",
     "Penta", "1994"),
])  # fmt: skip

ALL = {
    "movies_metadata.csv": METADATA, "credits_part.csv": CREDITS, "tmdb_5000_movies.csv": TMDB_5000,
    "tmdb_5000_credits.csv": TMDB_5000_CREDITS, "tmdb_movies_10k.csv": TEN_K,
}  # fmt: skip


def read(tmp_path, files, latest=LATEST):
    places = {
        "movielens": str(write_files(tmp_path / "ml", latest)),
        "tmdb": str(write_files(tmp_path / "tmdb", files)),
    }
    summary = ingest.main(ingest_params("movielens", **places))
    return summary, {row["movieId"]: row for row in pq.read_table("data/catalog.parquet").to_pylist()}


def test_movies_dataset_joins_by_links(tmp_path, project):
    summary, movies = read(tmp_path, {k: ALL[k] for k in ("movies_metadata.csv", "credits_part.csv")})
    toy, postman, other = movies[1], movies[2], movies[3]
    assert (toy["overview"], toy["tagline"], toy["genre_1"]) == ("Led by\nWoody", None, "Animation")
    assert (toy["actor_1"], toy["actor_2"], toy["actor_3"]) == ("Tom Hanks", "Tim Allen", None)
    assert (toy["director_1"], toy["writer_1"]) == ("John Lasseter", "Joss")
    assert (toy["produced_by_company_1"], toy["produced_in_country_1"]) == ("Pixar", None)
    # Joined by IMDb's id; blank and placeholder fields fall back on MovieLens.
    assert (postman["original_title"], postman["genre_1"], postman["spoken_language_1"]) == (
        "Il Postino", "Comedy", "Italiano")  # fmt: skip
    assert postman["overview"].startswith("The Postman, also known as Il Postino")
    assert other["original_title"] == 'Say "Hi", You'
    assert "movies_metadata.csv: 2 movies joined, 2 bad rows skipped, 2 malformed cells" in summary


def test_all_layouts_in_one_folder_fill_each_others_gaps(tmp_path, project):
    summary, movies = read(tmp_path, ALL)
    toy, postman = movies[1], movies[2]
    assert (toy["original_title"], toy["overview"], toy["release_year"]) == (
        "Toy Story",
        "Led by\nWoody",
        1995,
    )
    assert (toy["tagline"], toy["genre_1"]) == ("The adventure takes off!", "Animation")
    assert toy["produced_in_country_1"] == "United States of America"
    assert (toy["actor_1"], toy["actor_2"], toy["actor_3"]) == ("Tom Hanks", "Tim Allen", "C")
    assert (postman["overview"], postman["actor_2"], postman["director_1"]) == (
        "A postman", "Philippe Noiret", "Radford")  # fmt: skip
    assert summary.count("movies joined") == 3


def test_without_links_title_and_year_join(tmp_path, project):
    files = {"tmdb_movies_10k.csv": TEN_K}
    _, movies = read(tmp_path, files, {k: v for k, v in LATEST.items() if k != "links.csv"})
    assert movies[2]["overview"] == "A postman"
    assert movies[1]["overview"].startswith("Toy Story, of 1995")


def test_ambiguous_titles_are_counted_and_not_joined(tmp_path, project):
    twin = "8,tt2,Il Postino,X,Y,,Another,Drama,P,1994\r\n9,tt3,Toy Story,X,Y,,Wrong year,Drama,P,1996\r\n"
    latest = {k: v for k, v in LATEST.items() if k != "links.csv"}
    summary, movies = read(tmp_path, {"tmdb_movies_10k.csv": TEN_K + twin}, latest)
    assert movies[2]["actor_1"] is None
    assert movies[1]["actor_1"] is None
    assert "0 movies joined, 1 ambiguous titles" in summary


CELLS = {
    "python": ("[{'name': 'A'}, {'name': None}, {'name': \"B's\"}]", ["A", "B's"], 0),
    "json": ('[{"name": "A"}]', ["A", None], 0),
    "blank": (" ", [None, None], 0),
    "no list": ("{'name': 'A'}", [None, None], 1),
    "list of text": ("['A']", [None, None], 1),
    "code": ("__import__('os').system('true')", [None, None], 1),
    "cut": ("[{'name': 'A'", [None, None], 1),
    "deep": ("[" * 100_000, [None, None], 1),
    "deep too": ("-" * 100_000 + "1", [None, None], 1),
    "half a sign": ('[{"name": "\\ud800A"}]', ["A", None], 0),
    "backslash": (r"[{'name': 'C\D'}]", [r"C\D", None], 0),
    "nan": ("nan", [None, None], 1),
}


@pytest.mark.parametrize(("cell", "names", "malformed"), CELLS.values(), ids=CELLS)
def test_cells(cell, names, malformed):
    cells = JsonListParser()
    found = cells.names(pa.chunked_array([[cell]]), 2)
    assert [place.to_pylist()[0] for place in found] == names
    assert cells.malformed == malformed


BAD = {
    "no id": (
        {"movies_metadata.csv": "original_title\nx\n"},
        ["movies_metadata.csv: line 1", "no column id"],
    ),
    "no crew": (
        {"movies_metadata.csv": METADATA, "credits.csv": "cast,id\n[],1\n"},
        ["credits.csv", "no column crew"],
    ),
    "unknown names": ({"films.csv": "id\n"}, ["movies_metadata*.csv", "got films.csv", "empty folder"]),
    "two of a kind": ({"movies_metadata1.csv": METADATA, "movies_metadata2.csv": METADATA}, ["one file"]),
    "empty": ({"movies_metadata.csv": ""}, ["movies_metadata.csv", "an empty file"]),
}


@pytest.mark.parametrize(("files", "parts"), BAD.values(), ids=BAD)
def test_bad_folders_are_refused(tmp_path, project, files, parts):
    with pytest.raises(InputError) as caught:
        read(tmp_path, files)
    for part in parts:
        assert part in str(caught.value)
    assert not list(project.rglob("*.*"))


def test_real_files_give_the_known_catalogue(real_data, project):
    places = {"movielens": str(real_data / "ml-latest-small"), "tmdb": str(real_data / "tmdb")}
    ingest.main(ingest_params("movielens", **places))
    ours = pq.read_table("data/catalog.parquet")
    known = pq.read_table(real_data / "ml-latest-small/catalog.parquet")
    for column, share in {"original_title": 0.98, "actor_1": 0.97, "director_1": 0.97, "genre_1": 0.9,
                          "produced_in_country_1": 0.97, "release_year": 0.98}.items():  # fmt: skip
        both = [(a, b) for a, b in zip(ours[column].to_pylist(), known[column].to_pylist(), strict=True)
                if a is not None and b is not None]  # fmt: skip
        assert len(both) > 5000
        assert sum(a == b for a, b in both) / len(both) > share, column
    toy = ours.to_pylist()[0]
    assert (toy["actor_1"], toy["director_1"], toy["writer_1"]) == (
        "Tom Hanks",
        "John Lasseter",
        "Joss Whedon",
    )
