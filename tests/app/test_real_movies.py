"""Similar movies and reasons on real ratings: famous pairs, and reasons that vary and share something."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import VECTOR_NAMES, BundleContents, make_config
from reelgraph.app.bundle.from_pipeline import add_titles
from reelgraph.app.bundle.model import Bundle
from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.core.schemas.tables import CATALOG
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.rater import MovieInputs
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.splits import leave_last_out

MIN_RATINGS = 20
"""Ratings of a movie; fewer movies make the fit fast."""
PAIRS = {
    "Toy Story (1995)": "Toy Story 2 (1999)",
    "Alien (1979)": "Aliens (1986)",
    "The Terminator (1984)": "Terminator 2: Judgment Day (1991)",
    "Star Wars: Episode V - The Empire Strikes Back (1980)": "Star Wars: Episode IV - A New Hope (1977)",
    "The Godfather: Part II (1974)": "The Godfather (1972)",
    "The Lord of the Rings: The Two Towers (2002)": "The Lord of the Rings: The Return of the King (2003)",
    "Kill Bill: Vol. 1 (2003)": "Kill Bill: Vol. 2 (2004)",
    "Shrek (2001)": "Shrek 2 (2004)",
    "X-Men (2000)": "X2: X-Men United (2003)",
    "Spider-Man (2002)": "Spider-Man 2 (2004)",
    "Batman Begins (2005)": "The Dark Knight (2008)",
    "Scream (1996)": "Scream 2 (1997)",
    "Spirited Away (2001)": "Princess Mononoke (1997)",
    "The Bourne Identity (2002)": "The Bourne Supremacy (2004)",
    "Indiana Jones and the Temple of Doom (1984)": "Indiana Jones and the Last Crusade (1989)",
    "The Matrix (1999)": "The Matrix Reloaded (2003)",
}
"""Sequels, and films of one studio."""


@pytest.fixture(scope="module")
def ratings(real_data: Path) -> pd.DataFrame:
    """Ratings of latest-small by user and time, of movies with many ratings."""
    table = pq.read_table(real_data / "ml-latest-small" / "ratings.parquet").to_pandas()
    counts = table.movieId.map(table.movieId.value_counts())
    return table[counts >= MIN_RATINGS].sort_values(["userId", "timestamp", "movieId"])


@pytest.fixture(scope="module")
def bundle(real_data: Path, ratings: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle with a rater fitted for a few seconds."""
    folder = real_data / "ml-latest-small"
    movie_ids, movie_row, counts = np.unique(ratings.movieId, return_inverse=True, return_counts=True)
    table = pq.read_table(folder / "catalog.parquet").to_pandas().set_index("movieId").loc[movie_ids]
    genre, genres = pd.factorize(table.genre_1, sort=True)
    with_genre = np.flatnonzero(genre >= 0)
    vectors = np.random.default_rng(0).normal(size=(len(table), 8)).astype(np.float32)
    relation = Relation(tuple(genres), np.ones((len(genres), 3), np.float32), with_genre, genre[with_genre])
    year = table.release_year.to_numpy(np.float64, na_value=np.nan)
    movies = MovieInputs(vectors, vectors, KnowledgeGraph(movie_ids, {"genre": relation}), year)
    users, lengths = np.unique(ratings.userId, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    histories = UserHistories(
        user_id=users.astype(np.int64), offsets=offsets, movie_row=movie_row.astype(np.int32),
        half_star_code=(ratings.rating * 2).to_numpy(np.uint8), timestamp=ratings.timestamp.to_numpy(np.int64),
        **leave_last_out(offsets, 10, 0, 1)._asdict(),
    )  # fmt: skip
    settings = load(TrainRaterParams).model_dump()
    settings["gp"] |= {"epochs": 1, "head_epochs": 1, "context_length": 48, "ensemble_size": 1}
    params = TrainRaterParams.model_validate(settings)
    weights = tmp_path_factory.mktemp("rater") / "weights.safetensors"
    fit_rater(params, histories, movies).train.save(weights)
    unknown = {field.name: pa.nulls(len(table), field.type) for field in CATALOG.file_schema}
    known = pa.Table.from_pandas(table.reset_index(), preserve_index=False)
    cells = unknown | dict(zip(known.column_names, known.columns, strict=True))
    catalog = add_titles(pa.table(cells), folder)
    catalog = catalog.append_column("ratings", pa.array(counts.astype(np.int64)))
    catalog = catalog.append_column("source_movie_id", pa.nulls(len(table), pa.string()))
    contents = BundleContents(
        catalog=MovieCatalog(catalog),
        vectors=dict.fromkeys(VECTOR_NAMES, vectors),
        config=make_config(params.config(), len(table)),
        weights=weights,
        card="",
        results={},
    )
    return Bundle(contents)


@pytest.mark.slow
def test_similar_finds_the_other_movie_of_famous_pairs(bundle: Bundle) -> None:
    found = {
        movie: other in [similar.label for similar in bundle.similar(movie, top=10)]
        for movie, other in PAIRS.items()
    }
    assert sum(found.values()) >= 14, found


@pytest.mark.slow
def test_recommend_gives_reasons_that_vary_and_share_something(bundle: Bundle, ratings: pd.DataFrame) -> None:
    lengths = ratings.userId.value_counts()
    for user in lengths[lengths.between(60, 100)].index[:2]:
        history = ratings[ratings.userId == user]
        movies = bundle.recommend(
            list(zip(history.movieId.tolist(), history.rating.tolist(), strict=True)), 100
        )
        reasons = [reason for movie in movies for reason in movie.reasons]
        first = Counter(movie.reasons[0].title for movie in movies if movie.reasons)
        assert max(first.values()) <= 15
        assert first.total() >= 90
        assert np.mean([reason.same_audience or len(reason.shared) > 0 for reason in reasons]) == 1
