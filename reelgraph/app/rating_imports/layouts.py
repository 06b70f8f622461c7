"""The layouts of rating exports, as one table: which columns a site's file has, and its scale.

Column names are compared by their letters and digits, without case: ``imdbID``, ``imdb_id``, ``IMDb ID``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

SCALES = (5, 10, 100)
"""The highest rating of the supported scales."""


@dataclass(frozen=True)
class RatingColumn:
    """A column with ratings."""

    name: str
    scale: int | None
    """Highest rating of its definition; None if the site defines none."""


@dataclass(frozen=True)
class Layout:
    """The columns of one kind of file. Of each field, the first column with text counts."""

    site: str
    signatures: tuple[tuple[str, ...], ...]
    """Sets of columns; a file of this layout has all columns of one of them."""
    ratings: tuple[RatingColumn, ...]
    """Columns with ratings; the first one that has any counts."""
    titles: tuple[str, ...] = (
        *("Title", "Name", "Film", "Movie"),
        *("Movie Title", "Film Title", "Movie Name", "Film Name", "Original Title"),
    )
    """Columns with titles. If the first title is unknown, the next one is tried."""
    title_separator: str = ""
    """Separates the titles of one cell."""
    year: tuple[str, ...] = ("Year", "Release Year", "Release Date", "Released")
    date: tuple[str, ...] = (
        *("Date Rated", "Rated At", "Rated On", "User Rated At", "Rating Date", "Date"),
        *("Watched Date", "Watched At", "Watched On", "Date Watched", "Date Seen"),
        *("Date Added", "Created", "Created At", "Timestamp", "Last Watched At"),
    )
    """When the user rated."""
    type: tuple[str, ...] = ("Title Type", "Type", "Media Type")
    """Whether it is a movie or a series."""
    imdb_id: tuple[str, ...] = ("imdbID", "IMDb", "Const", "tconst", "IMDb URL")
    tmdb_id: tuple[str, ...] = ("tmdbID", "TMDB")
    movie_id: tuple[str, ...] = ("movieId",)
    """The bundle's movie id, which a user may add to any file."""
    user: tuple[str, ...] = ("userId",)


RATING_OF_10 = RatingColumn("Rating", 10)
YOUR_RATING = RatingColumn("Your Rating", 10)

IDENTITIES = (
    *Layout.titles,
    *("imdbID", "imdb", "const", "tconst", "tmdbID", "tmdb", "movieId"),
)
"""Columns of which a table has at least one."""

LAYOUTS = (
    Layout(
        "IMDb",
        signatures=(("Const", "Your Rating"),),
        ratings=(YOUR_RATING,),
        titles=("Title", "Original Title"),
        date=("Date Rated", "Date Added", "Created"),
    ),
    Layout(
        "IMDb before 2017",
        signatures=(("const", "You rated"),),
        ratings=(RatingColumn("You rated", 10),),
        date=("created",),
    ),
    Layout(
        "TMDB",
        signatures=(("TMDb ID", "Your Rating"),),
        ratings=(YOUR_RATING,),
    ),
    Layout(
        "Letterboxd",
        signatures=(("Name", "Letterboxd URI", "Rating"),),
        ratings=(RatingColumn("Rating", 5),),
        date=("Date",),
    ),
    Layout(
        "Simkl",
        signatures=(("SIMKL_ID", "Title", "Rating"), ("simkl", "title", "user_rating")),
        ratings=(RatingColumn("user_rating", 10), RATING_OF_10),
    ),
    Layout(
        "Letterboxd's import",
        signatures=(
            ("Rating10", "Title"),
            ("Rating10", "imdbID"),
            ("Rating10", "tmdbID"),
            ("Rating10", "LetterboxdURI"),
            ("Rating", "LetterboxdURI"),
            ("Rating", "Title", "WatchedDate", "Rewatch"),
        ),
        ratings=(RatingColumn("Rating10", 10), RatingColumn("Rating", 5)),
        date=("WatchedDate",),
    ),
    Layout(
        "Movary",
        signatures=(("title", "year", "userRating"),),
        ratings=(RatingColumn("userRating", 10),),
    ),
    Layout(
        "Trakt",
        signatures=(("rated_at", "rating", "title", "type"), ("rated_at", "rating", "trakt_id")),
        ratings=(RATING_OF_10,),
        date=("rated_at",),
    ),
    Layout(
        "MovieLens",
        signatures=(("movie_id", "imdb_id", "tmdb_id", "rating", "average_rating", "title"),),
        ratings=(RatingColumn("rating", 5),),
    ),
    Layout(
        "GroupLens",
        signatures=(("userId", "movieId", "rating", "timestamp"),),
        ratings=(RatingColumn("rating", 5),),
    ),
    Layout(
        "Kinopoisk",
        signatures=(("Название", "Оценка"), ("Название", "Моя оценка"), ("Русскоязычное название", "Оценка")),
        ratings=(RatingColumn("Моя оценка", 10), RatingColumn("Оценка", 10)),
        titles=("Оригинальное название", "Название", "Русскоязычное название"),
        year=("Год",),
        date=("Дата", "Дата оценки", "Время"),
    ),
    Layout(
        "Douban",
        signatures=(("标题", "我的评分"), ("片名", "我的评分")),
        ratings=(RatingColumn("我的评分", 5),),
        titles=("标题", "片名"),
        title_separator=" / ",
        year=("年份", "上映日期", "简介"),
        date=("创建时间", "打分日期"),
    ),
    *(
        Layout(
            "a table",
            signatures=tuple((identity, rating) for identity in IDENTITIES),
            ratings=(RatingColumn(rating, None),),
        )
        for rating in ("your rating", "my rating", "user rating", "rating", "score", "stars")
    ),
)
"""All layouts; the first one that fits a file counts. The last ones are tables that people write."""

LIST_LAYOUTS = (
    Layout(
        "a list of movies",
        signatures=(("Name", "Year"), *((identity,) for identity in IDENTITIES if identity != "Name")),
        ratings=(),
    ),
)
"""Layouts of files without ratings: watched movies, watchlists, lists."""

SERIES_TYPES = re.compile(
    r"(?i)(.*s[eé]rie.*|tv\s?(episode|special|pilot|short)|show|tv|anime|season|episode)"
)
"""Title types that MovieLens and TMDB may list as movies, such as specials and miniseries."""
OTHER_TYPES = re.compile(r"(?i)(video\s?game|music\s?video|podcast.*)")


@dataclass(frozen=True, kw_only=True)
class ListedMovie:
    """A row that names a movie."""

    line: int
    """Line number in a CSV file, entry number in a JSON file; from 1."""
    titles: tuple[str, ...]
    year: int | None
    imdb_id: int | None = None
    tmdb_id: int | None = None
    movie_id: int | None = None
    """The column ``movieId``, if it is a number."""
    source_movie_id: str = ""
    """The text of the column ``movieId``; blank if there is none."""
    not_a_movie: str = ""
    """Why the title is not that of a movie; such a row is matched by its IMDb id only."""

    @property
    def title(self) -> str:
        """The first title; blank if there is none."""
        return self.titles[0] if self.titles else ""

    @property
    def label(self) -> str:
        """Title and year, such as ``Heat (1995)``; the movie id if there is no title."""
        label = self.title or (f"movieId {self.source_movie_id}" if self.source_movie_id else "")
        if not self.year or label.endswith(f"({self.year})"):
            return label
        return f"{label} ({self.year})"


@dataclass(frozen=True, kw_only=True)
class ParsedRating(ListedMovie):
    """A row with a usable rating."""

    stars: float
    """0.5 … 5 in half stars."""
    time: int | None
    """Unix time in seconds."""


@dataclass(frozen=True)
class SkippedRow:
    """A row that is not part of the user's history."""

    line: int
    title: str
    reason: str
    stars: float | None = None
    """The rating; None if the row has none."""
    time: int | None = None
    """Unix time of the rating in seconds; None if the row has no rating or no date."""
    candidates: tuple[int, ...] = ()
    """Movie ids of the movies that an ambiguous title fits."""


def normalize_column(name: str) -> str:
    """Return a column name in lower case, letters and digits only."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in text if character.isalnum())


def detect_layout(columns: Collection[str], layouts: Sequence[Layout] = LAYOUTS) -> Layout | None:
    """Return the first layout of a file with these columns; None if there is none."""
    names = {normalize_column(column) for column in columns}
    for layout in layouts:
        for signature in layout.signatures:
            if names.issuperset(map(normalize_column, signature)):
                return layout
    return None


def describe_title_type(title_type: str) -> str:
    """Return why a row of this type is not a movie; blank if it may be one."""
    if SERIES_TYPES.fullmatch(title_type):
        return f"a series, not a movie ({title_type})"
    if OTHER_TYPES.fullmatch(title_type):
        return f"not a movie ({title_type})"
    return ""
