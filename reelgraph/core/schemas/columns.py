"""The columns of table files, and those of the catalogue. Needs no table engine."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a table file."""

    name: str
    """Name in the code."""
    type: pa.DataType
    """Type in the files that reelgraph writes: int64, float64, bool or string."""
    alias: str = ""
    """Name in the file, if it differs."""
    nullable: bool = False
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    """Values are multiples of it."""
    may_be_absent: bool = False
    """An input without the column has null in it."""
    remedy: str = "Correct the file."

    @property
    def name_in_file(self) -> str:
        """The column's name in the file."""
        return self.alias or self.name


FIRST_YEAR = 1800.0
LAST_YEAR = 2200.0

MAX_RUNTIME_MINUTES = 100_000.0
"""The longest film known has 51,420 minutes."""

ACTOR_COLUMNS = ("actor_1", "actor_2", "actor_3")

GENRE_COLUMNS = ("genre_1", "genre_2", "genre_3", "genre_4", "genre_5")

ENTITY_COLUMNS: dict[str, tuple[str, ...]] = {
    "actor": ACTOR_COLUMNS,
    "director": ("director_1",),
    "writer": ("writer_1",),
    "genre": GENRE_COLUMNS,
    "company": ("produced_by_company_1",),
    "country": ("produced_in_country_1",),
    "language": ("spoken_language_1",),
}
"""Entity type → columns of the catalogue that name entities of this type."""

TEXT_COLUMNS = (
    "original_title", "tagline", "overview",
    *(column for columns in ENTITY_COLUMNS.values() for column in columns),
)  # fmt: skip

CATALOG_COLUMNS = (
    Column("movie_id", pa.int64(), "movieId",
           remedy="Give every movie a movieId of its own, a whole number."),
    *(
        Column(name, pa.string(), nullable=True, may_be_absent=True,
               remedy="Text columns are strings, null where unknown.")
        for name in TEXT_COLUMNS
    ),
    Column("release_year", pa.int64(), nullable=True, may_be_absent=True,
           minimum=FIRST_YEAR, maximum=LAST_YEAR, step=1.0,
           remedy="release_year is a whole year such as 1995, or null where unknown."),
    Column("runtime_minutes", pa.int64(), nullable=True, may_be_absent=True,
           minimum=1.0, maximum=MAX_RUNTIME_MINUTES, step=1.0,
           remedy="runtime_minutes is a whole number from 1, or null where unknown."),
)  # fmt: skip
"""All columns of the catalogue but ``SOURCE_MOVIE_ID``, in the order of the file."""

SOURCE_MOVIE_ID = Column("source_movie_id", pa.string(), "sourceMovieId",
                         remedy="Give every movie a movieId of its own.")  # fmt: skip
"""The id of a movie in the source, if its ids are text. ``movieId`` is then its rank among them."""

SOURCE_USER_ID = Column("source_user_id", pa.string(), "sourceUserId",
                        remedy="Give every rating a userId.")  # fmt: skip
"""The id of a user in the source, if its ids are text. ``userId`` is then its rank among them."""
