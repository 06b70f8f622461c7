"""Reading what rankers are fitted on from the pipeline's data."""

from __future__ import annotations

from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.movies import read_movies, release_years
from reelgraph.core.schemas.vectors import read_aligned
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.rankers.held_out import hold_out, min_history
from reelgraph.rankers.ranker import MovieContent, RankerInputs, collect_ratings
from reelgraph.sequences.dataset import Fit, UserHistories, read_histories


def read_ranker_inputs(fit: Fit, seed: int) -> RankerInputs:
    """Read the ratings of the fit's rows, and the content of the movies.

    Raises:
        ArtifactError: a file is missing or damaged, or the files do not belong together.
    """
    table = read_movies("data/movies.parquet", ("movie_id", "release_year"))
    text = read_aligned("data/text_vectors.parquet", table["movie_id"].to_numpy())
    graph = read_kg("data/kg")
    content = MovieContent(text, release_years(table), graph.entity_matrix(ENTITY_COLUMNS))
    return ranker_inputs(read_histories("data/sequences", len(content.year)), content, fit, seed)


def ranker_inputs(histories: UserHistories, content: MovieContent, fit: Fit, seed: int) -> RankerInputs:
    """Return what a ranker is fitted on.

    Args:
        histories: ratings of all users.
        content: of the movies.
        fit: rows to fit on.
        seed: root seed.
    """
    fit_end = histories.fit_end(fit)
    ratings = collect_ratings(histories, fit_end, len(content.year))
    ranker_seed = derive_seed(seed, "rankers")
    return RankerInputs(
        ratings=ratings,
        content=content,
        held_out=hold_out(histories, ratings, fit_end, generator(ranker_seed, "held out")),
        min_history=min_history(histories),
        seed=ranker_seed,
    )
