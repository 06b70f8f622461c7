"""Titles and ids that a MovieLens data set adds to a bundle's movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MOVIES_SCHEMA
from reelgraph.app.bundle.from_pipeline import add_map_coordinates, add_titles, movielens_from_params
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.core.schemas.tables import CATALOG
from reelgraph.core.schemas.vectors import MapLayout, write_map_layout
from reelgraph.runtime.errors import ArtifactError, InputError

MOVIELENS_FILES = {
    "movies.csv": 'movieId,title,genres\n1,"Postman, The (Postino, Il) (1994)",Drama\n2,Spirited Away (Sen to Chihiro) (2001),Animation\n'
    "3,Untitled,Drama\n",
    "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
    "links.csv": "movieId,imdbId,tmdbId\n1,0110877,11010\n2,0245429,\n",
}


def small_catalog() -> pa.Table:
    cells: dict[str, list] = {name: [None] * 3 for name in CATALOG.file_schema.names}
    cells |= {
        "movieId": [2, 1, 9],
        "original_title": ["千と千尋の神隠し", "Il Postino", "Nine"],
        "release_year": [2001, 1994, 1999],
    }
    return pa.table({name: pa.array(cell, MOVIES_SCHEMA.field(name).type) for name, cell in cells.items()})


def test_movies_schema_starts_with_the_columns_of_the_catalogue() -> None:
    fields = [MOVIES_SCHEMA.field(index) for index in range(len(CATALOG.file_schema))]
    assert fields == list(CATALOG.file_schema)


def test_add_titles_reads_titles_and_ids_of_a_movielens_data_set(tmp_path: Path) -> None:
    for name, text in MOVIELENS_FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    table = add_titles(small_catalog(), tmp_path)
    assert table["title"].to_pylist() == ["Spirited Away", "The Postman", None]
    assert table["other_titles"].to_pylist() == [["Sen to Chihiro"], ["Il Postino"], []]
    assert table["other_genres"].to_pylist() == [["Animation"], ["Drama"], []]
    assert table["imdb_id"].to_pylist() == [245429, 110877, None]
    assert table["tmdb_id"].to_pylist() == [None, 11010, None]
    table = table.append_column("source_movie_id", pa.array(["b", "a", "c"]))
    for name in ("ratings", "x", "y"):
        table = table.append_column(name, pa.array(np.zeros(3), MOVIES_SCHEMA.field(name).type))
    catalog = MovieCatalog(table.cast(MOVIES_SCHEMA))
    assert catalog.titles == ["Spirited Away", "The Postman", "Nine"]
    index = TitleIndex(catalog)
    titles = {"千と千尋の神隠し": 2001, "Spirited Away": 2002, "Postino, Il": 1994, "Nine": 1999}
    assert [index.match(title, year).row for title, year in titles.items()] == [0, 0, 1, 2]


def test_add_titles_appends_nulls_without_a_data_set(tmp_path: Path) -> None:
    table = add_titles(small_catalog(), None)
    assert table["title"].null_count == 3
    assert table["imdb_id"].null_count == 3
    with pytest.raises(InputError, match="a folder of MovieLens"):
        add_titles(small_catalog(), tmp_path)


def test_add_map_coordinates_joins_by_movie_id(tmp_path: Path) -> None:
    coordinates = np.array([1.0, 2.0, 9.0], np.float32)
    layout = MapLayout(np.array([1, 2, 9]), coordinates, -coordinates, np.array([[1], [0], [0]]))
    write_map_layout(layout, tmp_path / "map.parquet")
    table = add_map_coordinates(small_catalog(), tmp_path / "map.parquet")
    assert table["x"].to_pylist() == [2.0, 1.0, 9.0]
    assert table["y"].to_pylist() == [-2.0, -1.0, -9.0]
    with pytest.raises(ArtifactError, match="1 movies of data/movies.parquet missing"):
        add_map_coordinates(table.set_column(0, "movieId", pa.array([2, 1, 8])), tmp_path / "map.parquet")


def test_movielens_from_params_returns_the_folder_if_the_source_is_movielens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert movielens_from_params() is None
    Path("params.yaml").write_text(text)
    assert movielens_from_params() is None
    Path("params.yaml").write_text(text.replace("source: demo ", "source: movielens "))
    assert movielens_from_params() == Path("data/input/movielens")
