from __future__ import annotations

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.columns import GENRE_COLUMNS
from reelgraph.runtime.errors import InputError
from reelgraph.sources.json_lists import JsonListParser
from stages import ingest
from tests.helpers.source_files import LATEST, ingest_params, write_files

NAMES = ("id", "imdb_id", "original_title", "title", "tagline", "overview", "genres", "production_companies",
         "production_countries", "spoken_languages", "release_date")  # fmt: skip


def sheet(names, rows):
    text = io.StringIO()
    csv.writer(text).writerows([names, *rows])
    return text.getvalue()


def name_records(*names):
    return [{"id": 1, "name": name} for name in names]


METADATA = sheet(NAMES, [
    ("862", "tt0114709", "Toy Story", "Toy Story", "", "Led by\nWoody", str(name_records("Animation", "Comedy")),
     str(name_records("Pixar")), "{'name': 'broken", "[]", "1995-10-30"),
    ("7", "tt0110877", "Il Postino", "The Postman", "T", "No overview found.", "[]", "False", "[]",
     str(name_records("", "Italiano")), "1994-09-22"),
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
    ("862", "Other", "Other", "The adventure takes off!", "unused", json.dumps(name_records("Family")),
     json.dumps(name_records("United States of America")), "1996-10-30"),
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


def run_ingest(tmp_path, files, latest=LATEST):
    paths = {
        "movielens": str(write_files(tmp_path / "ml", latest)),
        "tmdb": str(write_files(tmp_path / "tmdb", files)),
    }
    summary = ingest.main(ingest_params("movielens", **paths))
    return summary, {row["movieId"]: row for row in pq.read_table("data/catalog.parquet").to_pylist()}


def test_join_tmdb_by_links(tmp_path, project):
    summary, movies = run_ingest(tmp_path, {k: ALL[k] for k in ("movies_metadata.csv", "credits_part.csv")})
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


def test_join_tmdb_coalesces_data_sets(tmp_path, project):
    summary, movies = run_ingest(tmp_path, ALL)
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


V11 = sheet(("id", "title", "vote_average", "release_date", "imdb_id", "original_title", "overview", "tagline", "genres",
             "production_companies", "production_countries", "spoken_languages", "keywords"), [
    ("862", "Toy Story", "7.9", "1995-11-22", "tt0114709", "Toy Story", "Toys live.", "Hang on.", "Animation, Family",
     "Pixar, Walt Disney Pictures", "United States of America, France", "English, French", "toy, doll"),
    ("7", "The Postman", "7", "1994-09-22", "tt0110877", "Il Postino", "", "", "Comedy", "nan", "Italy", "Italian", ""),
])  # fmt: skip


@pytest.mark.parametrize("name", ["TMDB_movie_dataset_v11.csv", "tmdb_movies.csv", "TMDB_Movies_930k.csv"])
def test_join_tmdb_lists_joined_by_commas(tmp_path, project, name):
    summary, movies = run_ingest(tmp_path, {name: V11})
    names = (
        "genre_1",
        "produced_by_company_1",
        "produced_in_country_1",
        "spoken_language_1",
        "actor_1",
        "director_1",
    )
    assert [movies[1][column] for column in names] == [
        "Animation", "Pixar", "United States of America", "English", None, None]  # fmt: skip
    assert [movies[2][column] for column in names] == ["Comedy", None, "Italy", "Italian", None, None]
    # MovieLens has Animation and Children, whose names are not mixed with TMDB's.
    assert [movies[1][column] for column in GENRE_COLUMNS] == ["Animation", "Family", None, None, None]
    assert movies[1]["tagline"] == "Hang on."
    assert f"{name}: 2 movies joined; " in summary


@pytest.mark.parametrize(
    ("links", "row"),
    [
        ("1,0114709,862", "862.0,tt0114709,Toy Story,1995-10-30,Pixar"),
        ("1,0114709,", "862,0114709,Toy Story,1995-10-30,Pixar"),
        (None, "862,tt0114709,Toy Story,10/30/1995,Pixar"),
    ],
    ids=["ids of pandas", "IMDb's ids without tt", "dates of a spreadsheet"],
)
def test_join_tmdb_files_that_were_saved_again(tmp_path, project, links, row):
    latest = {name: text for name, text in LATEST.items() if name != "links.csv"}
    if links:
        latest["links.csv"] = f"movieId,imdbId,tmdbId\n{links}\n"
    text = f"id,imdb_id,original_title,release_date,production_companies\n{row}\n"
    _, movies = run_ingest(tmp_path, {"tmdb_movies.csv": text}, latest)
    assert (movies[1]["produced_by_company_1"], movies[1]["release_year"]) == ("Pixar", 1995)


def test_join_tmdb_people_joined_by_commas(tmp_path, project):
    rows = [
        (
            "862",
            "Toy Story",
            "Tom Hanks, Tim Allen",
            "John Lasseter",
            "Joss Whedon, Andrew Stanton",
            "Animation",
        )
    ]
    text = sheet(("id", "original_title", "cast", "director", "writers", "genres"), rows)
    _, movies = run_ingest(tmp_path, {"tmdb_movies.csv": text})
    names = ("actor_1", "actor_2", "actor_3", "director_1", "writer_1")
    assert [movies[1][name] for name in names] == [
        "Tom Hanks",
        "Tim Allen",
        None,
        "John Lasseter",
        "Joss Whedon",
    ]


def test_join_tmdb_json_lists_under_any_name(tmp_path, project):
    rows = [
        ("862", "Toy Story", json.dumps(["Animation", "Comedy"]), json.dumps(name_records("Pixar, Inc.")))
    ]
    _, movies = run_ingest(
        tmp_path, {"tmdb_movies.csv": sheet(("id", "original_title", "genres", "production_companies"), rows)}
    )
    assert (movies[1]["genre_1"], movies[1]["produced_by_company_1"]) == ("Animation", "Pixar, Inc.")


def test_join_tmdb_commas_in_lists_joined_by_bars(tmp_path, project):
    rows = [("862", "Toy Story", "Tom Hanks|Tim Allen", "Pixar, Inc.")]
    _, movies = run_ingest(
        tmp_path, {"tmdb_movies.csv": sheet(("id", "original_title", "cast", "production_companies"), rows)}
    )
    assert movies[1]["produced_by_company_1"] == "Pixar, Inc."


def test_join_tmdb_by_title_and_year(tmp_path, project):
    files = {"tmdb_movies_10k.csv": TEN_K}
    _, movies = run_ingest(tmp_path, files, {k: v for k, v in LATEST.items() if k != "links.csv"})
    assert movies[2]["overview"] == "A postman"
    assert movies[1]["overview"].startswith("Toy Story, of 1995")


def test_join_tmdb_ambiguous_titles(tmp_path, project):
    rows = "8,tt2,Il Postino,X,Y,,Another,Drama,P,1994\r\n9,tt3,Toy Story,X,Y,,Wrong year,Drama,P,1996\r\n"
    latest = {k: v for k, v in LATEST.items() if k != "links.csv"}
    summary, movies = run_ingest(tmp_path, {"tmdb_movies_10k.csv": TEN_K + rows}, latest)
    assert movies[2]["actor_1"] is None
    assert movies[1]["actor_1"] is None
    assert "0 movies joined, 1 ambiguous titles" in summary


CELLS = {
    "python": ("[{'name': 'A'}, {'name': None}, {'name': \"B's\"}]", ["A", "B's"], 0),
    "json": ('[{"name": "A"}]', ["A", None], 0),
    "blank": (" ", [None, None], 0),
    "no list": ("{'name': 'A'}", [None, None], 1),
    "list of text": ("['A', 'B']", ["A", "B"], 0),
    "list of numbers": ("[1]", [None, None], 1),
    "code": ("__import__('os').system('true')", [None, None], 1),
    "cut": ("[{'name': 'A'", [None, None], 1),
    "deep": ("[" * 100_000, [None, None], 1),
    "many minus signs": ("-" * 100_000 + "1", [None, None], 1),
    "lone surrogate": ('[{"name": "\\ud800A"}]', ["A", None], 0),
    "backslash": (r"[{'name': 'C\D'}]", [r"C\D", None], 0),
    "nan": ("nan", [None, None], 1),
}


@pytest.mark.parametrize(("cell", "names", "malformed"), CELLS.values(), ids=CELLS)
def test_json_list_parser_names(cell, names, malformed):
    parser = JsonListParser()
    columns = parser.names(pa.chunked_array([[cell]]), 2)
    assert [column.to_pylist()[0] for column in columns] == names
    assert parser.malformed == malformed


INVALID_FILES = {
    "no id": (
        {"movies_metadata.csv": "original_title\nx\n"},
        ["movies_metadata.csv: line 1", "no column id"],
    ),
    "no crew": (
        {"movies_metadata.csv": METADATA, "credits.csv": "cast,id\n[],1\n"},
        ["credits.csv", "no column crew"],
    ),
    "unknown names": ({"films.csv": "id\n"}, ["movies_metadata*.csv", "got films.csv", "empty folder"]),
    "two matches": ({"movies_metadata1.csv": METADATA, "movies_metadata2.csv": METADATA}, ["one file"]),
    "empty": ({"movies_metadata.csv": ""}, ["movies_metadata.csv", "an empty file"]),
}


@pytest.mark.parametrize(("files", "parts"), INVALID_FILES.values(), ids=INVALID_FILES)
def test_find_tmdb_files_invalid_folder_raises(tmp_path, project, files, parts):
    with pytest.raises(InputError) as caught:
        run_ingest(tmp_path, files)
    for part in parts:
        assert part in str(caught.value)
    assert not list(project.rglob("*.*"))


def test_join_tmdb_real_files(real_data, project):
    paths = {"movielens": str(real_data / "ml-latest-small"), "tmdb": str(real_data / "tmdb")}
    ingest.main(ingest_params("movielens", **paths))
    catalog = pq.read_table("data/catalog.parquet")
    reference = pq.read_table(real_data / "ml-latest-small/catalog.parquet")
    for column, fraction in {"original_title": 0.98, "actor_1": 0.97, "director_1": 0.97, "genre_1": 0.9,
                          "produced_in_country_1": 0.97, "release_year": 0.98}.items():  # fmt: skip
        both = [(a, b) for a, b in zip(catalog[column].to_pylist(), reference[column].to_pylist(), strict=True)
                if a is not None and b is not None]  # fmt: skip
        assert len(both) > 5000
        assert sum(a == b for a, b in both) / len(both) > fraction, column
    toy = catalog.to_pylist()[0]
    assert (toy["actor_1"], toy["director_1"], toy["writer_1"]) == (
        "Tom Hanks",
        "John Lasseter",
        "Joss Whedon",
    )
