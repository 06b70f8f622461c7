"""The demo's catalogue as a table in the SPEC's schema."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.schemas.catalog import CATALOG
from reelgraph.schemas.columns import ACTORS
from reelgraph.sources.demo.genres import GENRES
from reelgraph.sources.demo.movies import Movies
from reelgraph.sources.demo.names import ACTOR_STEP, MAKER_STEP, companies, people, words
from reelgraph.sources.demo.sentences import Slots
from reelgraph.sources.demo.story import overviews, story_slots, taglines
from reelgraph.sources.demo.titles import titles
from reelgraph.sources.demo.words import COUNTRIES


def catalog_table(movies: Movies, seed: int) -> pa.Table:
    """Write out the movies: names, titles and texts; what is not on record is null."""
    names = _entities(movies)
    slots = story_slots(movies, names, seed)
    columns = {
        "movie_id": pa.array(movies.movie_id),
        "original_title": titles(slots, movies, seed),
        "tagline": taglines(slots, movies, seed),
        "overview": overviews(slots, movies, seed),
        "release_year": pa.array(movies.year),
        **names,
    }
    for name, known in movies.known.items():
        columns[name] = pc.if_else(pa.array(known), columns[name], None)
    return pa.table([columns[c.name] for c in CATALOG.columns], schema=CATALOG.file_schema)


def _entities(movies: Movies) -> Slots:
    actors = {
        column: people(movies.culture, movies.actors[:, place], ACTOR_STEP)
        for place, column in enumerate(ACTORS)
    }
    return {
        **actors,
        "director_1": people(movies.culture, movies.director, MAKER_STEP),
        "writer_1": people(movies.culture, movies.writer, MAKER_STEP),
        "genre_1": words([g.name for g in GENRES], movies.genre),
        "produced_by_company_1": companies(movies.company),
        "produced_in_country_1": words([c.name for c in COUNTRIES], movies.country),
        "spoken_language_1": words([c.language for c in COUNTRIES], movies.language),
    }
