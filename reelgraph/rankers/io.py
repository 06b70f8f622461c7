"""Reading what rankers are fitted on from the pipeline's data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from reelgraph.core.schemas.movies import read_movies, release_years
from reelgraph.core.schemas.vectors import read_aligned
from reelgraph.core.seeds import derive_seed
from reelgraph.rankers.held_out import hold_out, min_history
from reelgraph.rankers.ranker import RankerInputs, collect_ratings
from reelgraph.sequences.dataset import Fit, UserHistories, read_histories


def read_ranker_inputs(fit: Fit, seed: int) -> RankerInputs:
    """Read the ratings of the fit's rows, texts and release years.

    Raises:
        ArtifactError: a file is missing or damaged, or the files do not belong together.
    """
    table = read_movies("data/movies.parquet", ("movie_id", "release_year"))
    text = read_aligned("data/text_vectors.parquet", table["movie_id"].to_numpy())
    year = release_years(table)
    return ranker_inputs(read_histories("data/sequences", len(year)), text, year, fit, seed)


def ranker_inputs(
    histories: UserHistories,
    text: Float32[np.ndarray, "movies text"],
    year: Float[np.ndarray, " movies"],
    fit: Fit,
    seed: int,
) -> RankerInputs:
    """Return what a ranker is fitted on.

    Args:
        histories: ratings of all users.
        text: text vectors of the movies.
        year: release years of the movies.
        fit: rows to fit on.
        seed: root seed.
    """
    fit_end = histories.fit_end(fit)
    ratings = collect_ratings(histories, fit_end, len(year))
    return RankerInputs(
        ratings=ratings,
        text=text,
        year=year,
        held_out=hold_out(histories, ratings, fit_end),
        min_history=min_history(histories),
        seed=derive_seed(seed, "rankers"),
    )
