"""The catalogue's columns by what they hold. Apart from its contract, for whoever needs no table engine."""

from __future__ import annotations

import pyarrow as pa

from reelgraph.schemas.column import Column

FIRST_YEAR, LAST_YEAR = 1800.0, 2200.0

ACTORS = ("actor_1", "actor_2", "actor_3")

ENTITY_COLUMNS: dict[str, tuple[str, ...]] = {
    "actor": ACTORS,
    "director": ("director_1",),
    "writer": ("writer_1",),
    "genre": ("genre_1",),
    "company": ("produced_by_company_1",),
    "country": ("produced_in_country_1",),
    "language": ("spoken_language_1",),
}
"""Entity type → the catalogue's columns that name its entities."""

TEXT_COLUMNS = (
    "original_title", "tagline", "overview",
    *(column for columns in ENTITY_COLUMNS.values() for column in columns),
)  # fmt: skip

COLUMNS = (
    Column("movie_id", pa.int64(), "movieId",
           remedy="Give every movie a movieId of its own, a whole number."),
    *(
        Column(name, pa.string(), nullable=True, remedy="Text columns are strings, null where unknown.")
        for name in TEXT_COLUMNS
    ),
    Column("release_year", pa.int64(), nullable=True, minimum=FIRST_YEAR, maximum=LAST_YEAR, step=1.0,
           remedy="release_year is a whole year such as 1995, or null where unknown."),
)  # fmt: skip
"""All of them, in the file's order."""
