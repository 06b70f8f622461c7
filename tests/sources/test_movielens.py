from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.columns import GENRE_COLUMNS
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.sources import titles
from reelgraph.sources.movielens_files import GENRES_100K, find_movielens_files
from stages import ingest
from tests.helpers.source_files import LATEST, ML_1M, ML_10M, ML_100K, ingest_params, write_files


def run_ingest(folder, **data):
    ingest.main(ingest_params("movielens", movielens=str(folder), **data))
    movies = {row["movieId"]: row for row in pq.read_table("data/catalog.parquet").to_pylist()}
    return movies, pq.read_table("data/ratings.parquet").to_pylist()


def test_read_movielens_csv_with_crlf_quotes_and_bom(tmp_path, project):
    movies, ratings = run_ingest(write_files(tmp_path / "ml", LATEST))
    assert movies[1]["original_title"] == "Toy Story"
    assert movies[1]["overview"] == "Toy Story, of 1995. Animation, Children. Tagged pixar, fun."
    assert [movies[1][name] for name in GENRE_COLUMNS] == ["Animation", "Children", None, None, None]
    assert (movies[1]["release_year"], movies[1]["runtime_minutes"]) == (1995, None)
    assert movies[2]["original_title"] == "The Postman"
    assert movies[2]["overview"] == "The Postman, also known as Il Postino, of 1994. Comedy."
    assert (movies[3]["original_title"], movies[3]["genre_1"]) == ('Say "Hi", You', None)
    assert (movies[3]["release_year"], movies[3]["actor_1"]) == (None, None)
    assert ratings[0] == {"userId": 1, "movieId": 2, "rating": 0.5, "timestamp": 964981247}


def test_read_movielens_genres_joined_by_commas(tmp_path, project):
    movies = LATEST["movies.csv"].replace("Animation|Children", '"Animation, Children"')
    catalog, _ = run_ingest(write_files(tmp_path / "ml", LATEST | {"movies.csv": movies}))
    assert [catalog[1][name] for name in GENRE_COLUMNS] == ["Animation", "Children", None, None, None]
    assert "Animation, Children. Tagged" in catalog[1]["overview"]


def test_read_movielens_1m_latin_1_and_whole_stars(tmp_path, project):
    movies, ratings = run_ingest(write_files(tmp_path / "ml", ML_1M, "latin-1"))
    assert [m["original_title"] for m in movies.values()] == ["Misérables, Les: a tale", "Léon"]
    assert movies[1]["overview"] == "Misérables, Les: a tale, of 1998. Drama, War."
    assert [r["rating"] for r in ratings] == [5.0, 3.0]


def test_read_movielens_10m_half_stars_utf_8_and_tags(tmp_path, project):
    movies, ratings = run_ingest(write_files(tmp_path / "ml", ML_10M))
    assert movies[1]["overview"].endswith("Drama, War. Tagged songs: sung.")
    assert movies[2]["original_title"] == "Léon"
    assert [r["rating"] for r in ratings] == [0.5, 4.5]


@pytest.mark.parametrize(
    "genres",
    [None, "".join(f"{name}|{i}\n" for i, name in enumerate(GENRES_100K)) + "\n"],
    ids=["none", "u.genre"],
)
def test_read_movielens_100k_flags_and_dates(tmp_path, project, genres):
    files = ML_100K if genres is None else ML_100K | {"u.genre": genres}
    movies, ratings = run_ingest(write_files(tmp_path / "ml", files, "latin-1"))
    assert (movies[1]["original_title"], movies[1]["genre_1"]) == ("Les Misérables", "Drama")
    assert movies[1]["overview"] == "Les Misérables, of 1995. Drama, War."
    assert (movies[2]["genre_1"], movies[2]["release_year"]) == (None, 1971)
    assert ratings[1] == {"userId": 2, "movieId": 2, "rating": 5.0, "timestamp": 891717742}


@pytest.mark.parametrize(
    ("title", "name", "others", "year"),
    [
        ("Matrix, The (1999)", "The Matrix", "", 1999),
        ("Twelve Monkeys (a.k.a. 12 Monkeys) (1995)", "Twelve Monkeys", "12 Monkeys", 1995),
        ("Boot, Das (Boat, The) (1981)", "Das Boot", "The Boat", 1981),
        ("Léon: The Professional (a.k.a. The Professional) (Léon) (1994)", "Léon: The Professional",
         "The Professional|Léon", 1994),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", "", 2009),
        ("Death Note (2006–2007)", "Death Note", "", 2006),
        ("Atalante, L' (1934) ", "L'Atalante", "", 1934),
        ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", "", 1968),
        ("Oh, God! (1977)", "Oh, God!", "", 1977),
        ("Babylon 5", "Babylon 5", "", None),
        ("Birdman: Or (The Unexpected Virtue of Ignorance) (2014)",
         "Birdman: Or (The Unexpected Virtue of Ignorance)", "", 2014),
        ("Minor (Menor, El) (2000)", "Minor", "El Menor", 2000),
        ("(Untitled) (2009)", "(Untitled)", "", 2009),
        ("", "", "", None),
    ],
)  # fmt: skip
def test_split_titles(title, name, others, year):
    parts = titles.split_titles(pa.chunked_array([[title, "x"]])).to_pylist()[0]
    assert parts == {"name": name, "others": others, "year": year}


SPLIT_FILES = {"u1.base": "2\t1\t4\t5\n1\t1\t3\t881250949\n", "u1.test": "1\t2\t5\t7\n"}


def test_read_movielens_published_split(tmp_path, project):
    folder = write_files(tmp_path / "ml", ML_100K | SPLIT_FILES, "latin-1")
    _, ratings = run_ingest(folder, base="u1.base", test="u1.test")
    assert [(r["userId"], r["movieId"], r["rating"], r["test"]) for r in ratings] == [
        (1, 2, 5.0, True), (1, 1, 3.0, False), (2, 1, 4.0, False),
    ]  # fmt: skip


def test_read_movielens_split_with_headers(tmp_path, project):
    parts = {"a.csv": f"{HEAD}1,1,4,1\n1,2,3,2\n", "b.csv": f"{HEAD}2,1,2,1\n"}
    _, ratings = run_ingest(write_files(tmp_path / "ml", LATEST | parts), base="a.csv", test="b.csv")
    assert [(r["userId"], r["test"]) for r in ratings] == [(1, False), (1, False), (2, True)]


INVALID_SPLIT_FILES = {
    "in both": (SPLIT_FILES | {"u1.test": "9\t1\t5\t7\n1\t1\t5\t7\n"},
                ["u1.base and", "u1.test", "userId 1, movieId 1 at u1.base line 2, u1.test line 2"]),
    "off the scale": (SPLIT_FILES | {"u1.test": "1\t2\t6\t7\n"}, ["above 5 in 1 row, first at u1.test line 1"]),
    "no test ratings": (SPLIT_FILES | {"u1.test": ""}, ["u1.test", "an empty file"]),
    "no such file": ({"u1.base": SPLIT_FILES["u1.base"]}, ["u1.test", "expected a file, got none"]),
}  # fmt: skip


@pytest.mark.parametrize(("files", "parts"), INVALID_SPLIT_FILES.values(), ids=INVALID_SPLIT_FILES)
def test_read_movielens_invalid_split_files_raise(tmp_path, project, files, parts):
    folder = write_files(tmp_path / "ml", ML_100K | files, "latin-1")
    assert_ingest_raises(project, parts, movielens=str(folder), base="u1.base", test="u1.test")


def test_normalize_titles_ignores_case_accents_and_punctuation():
    texts = pa.chunked_array([["Amélie & Zoë!", "AMELIE AND ZOE", None]])
    assert titles.normalize_titles(texts).to_pylist() == ["amelieandzoe", "amelieandzoe", ""]


def latest(name, text):
    return LATEST | {name: text}


HEAD = "userId,movieId,rating,timestamp\n"

INVALID_FILES = {
    "rating 7": (latest("ratings.csv", f"{HEAD}1,1,4,1\n\n1,2,7,1\n"),
                 ["ratings.csv", "rating is above 5 in 1 row, first at line 4 (userId 1, movieId 2"]),
    "NaN": (latest("ratings.csv", f"{HEAD}1,1,nan,1\n"), ["rating is missing", "line 2"]),
    "text id": (latest("ratings.csv", f"{HEAD}1,1,4,1\nx,2,4,1\n"),
                ["ratings.csv: line 3, column userId", "a whole number", "'x'"]),
    "several bad rows": (latest("ratings.csv", f"{HEAD}1,1,4,1\nx,2,4,1\n1,1\n1,1,good,1\n"),
                         ["ratings.csv: line 3, column userId", "'x' (also line 4; line 5, column rating)"]),
    "too big an id": (latest("ratings.csv", f"{HEAD}99999999999999999999,2,4,1\n"), ["line 2, column userId"]),
    "text rating": (latest("ratings.csv", f"{HEAD}1,1,good,1\n"), ["line 2, column rating", "'good'"]),
    "blank id": (latest("ratings.csv", f"{HEAD}1,,4,1\n"), ["movieId is missing", "line 2"]),
    "short row": (latest("ratings.csv", f"{HEAD}1,1,4,1\n1,1\n"), ["line 3: expected 4 cells", "got 2: '1,1'"]),
    "long row": (latest("ratings.csv", f"{HEAD}1,1,4,1,5\n"), ["line 2: expected 4 cells", "got 5"]),
    "milliseconds": (latest("ratings.csv", f"{HEAD}1,1,4,964982703000\n"), ["timestamp is above", "line 2"]),
    "pair twice": (latest("ratings.csv", f"{HEAD}1,1,4,1\n1,2,4,1\n1,1,3,2\n"),
                   ["userId 1, movieId 1 at line 2, line 4"]),
    "no column": (latest("ratings.csv", "userId,movieId,stars,timestamp\n1,1,4,1\n"),
                  ["ratings.csv: line 1", "no column rating"]),
    "semicolons": (latest("ratings.csv", "userId;movieId;rating;timestamp\n1;1;4;1\n"),
                   ["no column userId", "Separate the columns by ','"]),
    "header only": (latest("ratings.csv", HEAD), ["ratings.csv", "at least one row"]),
    "empty file": (latest("ratings.csv", ""), ["ratings.csv", "an empty file"]),
    "movie twice": (latest("movies.csv", 'movieId,title,genres\n1,"a\nb",X\n1,b,Y\n'),
                    ["movies.csv", "movieId 1 at line 2, line 4"]),
    "movie without id": (latest("movies.csv", "movieId,title,genres\n,b,Y\n"), ["movieId is missing", "line 2"]),
    "bad link": (latest("links.csv", "movieId,imdbId,tmdbId\n1,5,1\n2,five,1\n"),
                 ["links.csv: line 3, column imdbId: expected an id such as", "got 'five'"]),
    "bad tag": (latest("tags.csv", "userId,movieId,tag,timestamp\n1,one,x,1\n"), ["tags.csv: line 2, column movieId"]),
    "no ratings": ({"movies.csv": LATEST["movies.csv"]}, ["ratings.csv and movies.csv, or", "got movies.csv"]),
    "other files": ({"readme.md": "x"}, ["u.data and u.item", "got readme.md"]),
    "dat with a short row": (ML_1M | {"ratings.dat": "1::1::5::9\n1::2::3\n"}, ["ratings.dat: line 2", "got 3"]),
    "dat with text": (ML_1M | {"ratings.dat": "1::1::5::9\n1::2::3::t\n"}, ["ratings.dat: line 2, column timestamp"]),
    "u.data with text": (ML_100K | {"u.data": "1\tx\t3\t8\n"}, ["u.data: line 1, column movieId"]),
}  # fmt: skip


def assert_ingest_raises(project, parts, **data):
    with pytest.raises(ReelgraphError) as caught:
        ingest.main(ingest_params("movielens", **data))
    for part in parts:
        assert part in str(caught.value)
    assert not list(project.rglob("*.*"))


@pytest.mark.parametrize(("files", "parts"), INVALID_FILES.values(), ids=INVALID_FILES)
def test_read_movielens_invalid_folder_raises(tmp_path, project, files, parts):
    assert_ingest_raises(project, parts, movielens=str(write_files(tmp_path / "ml", files)))


def test_read_movielens_latin_1_csv_raises(tmp_path, project):
    folder = write_files(
        tmp_path / "ml", latest("movies.csv", "movieId,title,genres\n1,a,b\n2,Léon,b\n"), "latin-1"
    )
    assert_ingest_raises(
        project, ["movies.csv: line 3, column title", "text in utf-8"], movielens=str(folder)
    )


def test_find_movielens_files_missing_folder_raises(project):
    assert_ingest_raises(project, ["/no/such", "no such folder", "data.movielens"], movielens="/no/such")


LINKS = {
    "of pandas": "1,114709.0,862.0\n2,110877.0,\n",
    "of IMDb": "1,tt0114709,862\n2,tt0110877,nan\n",
    "with markers": "1,\\N,862\n2,0110877,None\n",
}


@pytest.mark.parametrize("rows", LINKS.values(), ids=LINKS)
def test_read_links_of_other_programs(tmp_path, rows):
    folder = write_files(tmp_path / "ml", latest("links.csv", f"movieId,imdbId,tmdbId\n{rows}"))
    links = find_movielens_files(folder).read_links().to_pylist()
    assert links == [{"movieId": 1, "imdbId": None if "N" in rows[:4] else 114709, "tmdbId": 862},
                     {"movieId": 2, "imdbId": 110877, "tmdbId": None}]  # fmt: skip


KAGGLE_20M = {
    "rating.csv": '"userId","movieId","rating","timestamp"\n1,2,3.5,2005-04-02 23:53:47\n1,1,4.0,2005-04-02 23:31:16\n',
    "movie.csv": '"movieId","title","genres"\n1,Toy Story (1995),Animation|Children\n2,Heat (1995),Crime\n',
    "tag.csv": '"userId","movieId","tag","timestamp"\n1,1,Pixar,2009-04-24 18:19:40\n',
    "link.csv": '"movieId","imdbId","tmdbId"\n1,"0114709",862\n2,"0113277",949\n',
}


@pytest.mark.parametrize("plural", [False, True], ids=["as downloaded", "renamed"])
def test_read_movielens_kaggle_20m(tmp_path, project, plural):
    files = {name.replace(".csv", "s.csv") if plural else name: text for name, text in KAGGLE_20M.items()}
    movies, ratings = run_ingest(write_files(tmp_path / "ml", files))
    assert [(row["movieId"], row["timestamp"]) for row in ratings] == [(1, 1112484676), (2, 1112486027)]
    assert movies[1]["overview"] == "Toy Story, of 1995. Animation, Children. Tagged pixar."
    counts = json.loads(Path("data/counts/ingest.json").read_text())["conversions"]
    assert counts["timestamps_from_dates"] == 2


def test_read_movielens_kaggle_20m_bad_date_raises(tmp_path, project):
    files = KAGGLE_20M | {"rating.csv": KAGGLE_20M["rating.csv"] + "2,1,4.0,2005-04-31 00:00:00\n"}
    assert_ingest_raises(project, ["rating.csv: line 4, column timestamp", "got '2005-04-31 00:00:00'"],
                         movielens=str(write_files(tmp_path / "ml", files)))  # fmt: skip


THE_MOVIES_DATASET = {
    "ratings.csv": f"{HEAD}1,1,4,5\n1,2,3,6\n",
    "links.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n2,0113277,949\n3,0113278,950\n",
    "movies_metadata.csv": "id,imdb_id,original_title,title,overview,genres,release_date\n"
    "949,tt0113277,Heat,Heat,Cops.,\"[{'id': 80, 'name': 'Crime'}]\",1995-12-15\n"
    "862,tt0114709,Toy Story,Toy Story,Toys.,\"[{'id': 16, 'name': 'Animation'}]\",1995-10-30\n",
    "credits.csv": "cast,crew,id\n\"[{'name': 'Tom Hanks', 'order': 0}]\",\"[{'job': 'Director', 'name': 'John Lasseter'}]\",862\n",
    "keywords.csv": "id,keywords\n862,[]\n",
}  # fmt: skip


@pytest.mark.parametrize("small", [False, True])
def test_read_movielens_the_movies_dataset(tmp_path, project, small):
    files = dict(THE_MOVIES_DATASET)
    if small:
        files |= {f"{name}_small.csv": files.pop(f"{name}.csv") for name in ("ratings", "links")}
    movies, ratings = run_ingest(write_files(tmp_path / "ml", files))
    assert [row["movieId"] for row in ratings] == [1, 2]
    toy = {
        name: movies[1][name]
        for name in ("original_title", "overview", "genre_1", "actor_1", "director_1", "release_year")
    }
    assert list(toy.values()) == ["Toy Story", "Toys.", "Animation", "Tom Hanks", "John Lasseter", 1995]
    assert {name for name, value in movies[3].items() if value is not None} == {"movieId"}


def test_read_movielens_real_latest_small(real_data, project):
    movies, ratings = run_ingest(real_data / "ml-latest-small")
    assert (len(movies), len(ratings)) == (9742, 100836)
    expected = pq.read_table(real_data / "ml-latest-small/ratings.parquet").sort_by(
        [("userId", "ascending"), ("timestamp", "ascending"), ("movieId", "ascending")]
    )
    assert pq.read_table("data/ratings.parquet").equals(
        expected.select(["userId", "movieId", "rating", "timestamp"])
    )
    assert movies[2571]["original_title"] == "The Matrix"
    assert sum(m["release_year"] is None for m in movies.values()) < 20
