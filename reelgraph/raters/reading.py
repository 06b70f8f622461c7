"""What a rater may know of the movies, from the files of the stages."""

from __future__ import annotations

import pyarrow.compute as pc

from reelgraph.raters.fitting import Movies
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.vectors import aligned, read_vectors


def read_known(vectors: str) -> Movies:
    """Read movies, graph, text vectors and the movie vectors at ``vectors``, in row order."""
    table = read_movies("data/movies.parquet", ("movie_id", "release_year"))
    found, text = (
        aligned(table["movie_id"].to_numpy(), *read_vectors(path), path)
        for path in (vectors, "data/text_vectors.parquet")
    )
    return Movies(found, text, read_kg("data/kg"), pc.cast(table["release_year"], "float64").to_numpy())
