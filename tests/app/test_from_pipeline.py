"""Titles as people know them, and ids elsewhere, from an edition of MovieLens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MOVIES_SCHEMA
from reelgraph.app.bundle.from_pipeline import add_titles, movielens_from_params
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.runtime.errors import InputError
from reelgraph.schemas.tables import CATALOG

EDITION = {
    "movies.csv": 'movieId,title,genres\n1,"Postman, The (Postino, Il) (1994)",Drama\n2,Spirited Away (Sen to Chihiro) (2001),Animation\n'
    "3,Untitled,Drama\n",
    "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n",
    "links.csv": "movieId,imdbId,tmdbId\n1,0110877,11010\n2,0245429,\n",
}  # fmt: skip


def catalog() -> pa.Table:
    cells: dict[str, list] = {name: [None] * 3 for name in MOVIES_SCHEMA.names[:14]}
    cells |= {
        "movieId": [2, 1, 9],
        "original_title": ["千と千尋の神隠し", "Il Postino", "Nine"],
        "release_year": [2001, 1994, 1999],
    }
    return pa.table({name: pa.array(cell, MOVIES_SCHEMA.field(name).type) for name, cell in cells.items()})


def test_a_bundles_movies_have_the_catalogues_columns() -> None:
    assert [MOVIES_SCHEMA.field(at) for at in range(len(CATALOG.file_schema))] == list(CATALOG.file_schema)


def test_titles_and_ids_are_those_of_the_edition(tmp_path: Path) -> None:
    for name, text in EDITION.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    table = add_titles(catalog(), tmp_path)
    assert table["title"].to_pylist() == ["Spirited Away", "The Postman", None]
    assert table["other_titles"].to_pylist() == [["Sen to Chihiro"], ["Il Postino"], []]
    assert table["imdb_id"].to_pylist() == [245429, 110877, None]
    assert table["tmdb_id"].to_pylist() == [None, 11010, None]
    for name in ("ratings", "x", "y"):
        table = table.append_column(name, pa.array(np.zeros(3), MOVIES_SCHEMA.field(name).type))
    library = MovieCatalog(table.cast(MOVIES_SCHEMA))
    assert library.titles == ["Spirited Away", "The Postman", "Nine"]
    index = TitleIndex(library)
    assert [
        index.match(t, y).row
        for t, y in (
            ("千と千尋の神隠し", 2001),
            ("Spirited Away", 2002),
            ("Postino, Il", 1994),
            ("Nine", 1999),
        )
    ] == [0, 0, 1, 2]


def test_without_an_edition_titles_are_the_catalogues(tmp_path: Path) -> None:
    table = add_titles(catalog(), None)
    assert table["title"].null_count == table["imdb_id"].null_count == 3
    with pytest.raises(InputError, match="a folder of GroupLens"):
        add_titles(catalog(), tmp_path)


def test_the_edition_of_params_is_used_where_they_read_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path("params.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert movielens_from_params() is None
    Path("params.yaml").write_text(text)
    assert movielens_from_params() is None
    Path("params.yaml").write_text(text.replace("source: demo ", "source: movielens "))
    assert movielens_from_params() == Path("data/input/movielens")


def test_movies_that_are_often_rated_are_told_from_the_others() -> None:
    from tests.helpers import bundle_samples

    library = bundle_samples.sample_library(40)
    rare = library.filter_mask(exclude_popular=True)
    assert (~rare).sum() == 4
    assert library.rating_counts[~rare].min() > library.rating_counts[rare].max()
    assert library.filter_mask(since=2000).sum() == sum((year or 0) >= 2000 for year in library.years)
