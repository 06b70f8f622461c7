"""How many rows of a Letterboxd file find their movie: ``python -m bench.letterboxd REAL_DATA [OUT.csv]``.

300 real titles as TMDB has them, which is what Letterboxd shows, drawn with a seed from the movies of
MovieLens latest-small that TMDB's files know; written as Letterboxd exports them, with its usual quirks; then
looked for in the catalogue. A TMDB id and links.csv say which movie a row means, so that wrong matches
count as wrong.
"""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MOVIES_SCHEMA
from reelgraph.app.bundle.from_pipeline import add_titles
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.rating_imports.ratings_file import MatchedRatings, match_ratings, read_ratings_file

ROWS, SEED = 300, 7
SHARES = {"another year": 0.08, "no rating": 0.05, "no accents": 0.03, "typographic signs": 0.05,
          "& for and": 0.05, "rated twice": 0.03, "no year": 0.01}  # fmt: skip
"""Share of the rows with each quirk."""
STRANGERS = (
    ("Oppenheimer", 2023), ("Past Lives", 2023), ("Chernobyl", 2019), ("Parasite", 2019), ("Fleabag", 2016),
    ("Everything Everywhere All at Once", 2022), ("The Zone of Interest", 2023), ("Aftersun", 2022),
    ("Dune", 2021), ("The Queen's Gambit", 2020), ("Portrait of a Lady on Fire", 2019),
    ("True Detective", 2014),
)  # fmt: skip
"""What people rate there and latest-small doesn't have: movies since 2019, and series."""


@dataclass(frozen=True)
class Line:
    """One row, and the movie that it means; None for none of the catalogue."""

    title: str
    year: int | None
    rating: float | None
    movie: int | None
    quirk: str = ""


def known(folder: Path) -> pd.DataFrame:
    """Return movieId, title and year of the movies of latest-small, as TMDB's files have them."""
    links = pd.read_csv(folder / "ml-latest-small/links.csv")
    files = [folder / "tmdb" / name for name in ("movies_metadata_first5000.csv", "tmdb_5000_movies.csv")]
    columns = ["id", "title", "release_date"]
    read = pd.concat([pd.read_csv(file, usecols=columns, dtype=str) for file in files])
    tmdb = read.rename(columns={"id": "tmdbId"}).dropna().drop_duplicates("tmdbId")
    tmdb = tmdb[tmdb["tmdbId"].str.fullmatch(r"\d+")].assign(tmdbId=lambda t: t["tmdbId"].astype(int))
    rated = pd.read_csv(folder / "ml-latest-small/ratings.csv")["movieId"].unique()
    both = links[links["movieId"].isin(rated)].merge(tmdb, on="tmdbId")
    return both.assign(year=both["release_date"].str[:4].astype(int))[["movieId", "title", "year"]]


def lines(movies: pd.DataFrame) -> list[Line]:
    """Draw the rows and give them their quirks."""
    draw = np.random.default_rng(SEED)
    chosen = movies.sample(ROWS - len(STRANGERS), random_state=SEED)
    quirks = list(SHARES)
    found = []
    for movie, title, year in chosen.itertuples(index=False):
        pick = draw.choice([*quirks, ""], p=[*SHARES.values(), 1 - sum(SHARES.values())])
        found += _line(str(title), int(year), int(movie), str(pick), float(draw.integers(1, 11)) / 2, draw)
    found += [Line(title, year, 4.0, None, "not in the catalogue") for title, year in STRANGERS]
    return [found[at] for at in draw.permutation(len(found))]


def _line(
    title: str, year: int, movie: int, quirk: str, stars: float, draw: np.random.Generator
) -> list[Line]:
    if quirk == "another year":
        return [Line(title, year + int(draw.choice([-1, 1])), stars, movie, quirk)]
    if quirk == "no rating":
        return [Line(title, year, None, movie, quirk)]
    if quirk == "no year":
        return [Line(title, None, stars, movie, quirk)]
    if quirk == "rated twice":
        return [Line(title, year, stars, movie, quirk), Line(title, year, 4.5, movie, quirk)]
    return [Line(_changed(title, quirk), year, stars, movie, quirk)]


def _changed(title: str, quirk: str) -> str:
    if quirk == "no accents":
        return "".join(
            sign for sign in unicodedata.normalize("NFKD", title) if not unicodedata.combining(sign)
        )
    if quirk == "typographic signs":
        return title.replace("'", "’").replace(" - ", " – ")
    return re.sub(r"\band\b", "&", title) if quirk == "& for and" else title


def library(folder: Path, english: bool) -> MovieCatalog:
    """Return the catalogue, with MovieLens' titles or with the original titles alone."""
    table = pq.read_table(folder / "ml-latest-small/catalog.parquet")
    table = add_titles(table, folder / "ml-latest-small" if english else None)
    size = table.num_rows
    for name in ("ratings", "x", "y"):
        table = table.append_column(name, pa.array(np.zeros(size), MOVIES_SCHEMA.field(name).type))
    return MovieCatalog(table.select(MOVIES_SCHEMA.names).cast(MOVIES_SCHEMA))


def told(rows: list[Line], found: MatchedRatings, movie_ids: np.ndarray) -> str:
    """Return how many rows were found rightly, wrongly and not at all, by quirk."""
    said = {match.rating.line: int(movie_ids[match.row]) for match in found.matches}
    why = {each.line: each.reason.partition(":")[0] for each in found.skipped}
    table: dict[str, Counter[str]] = {}
    for at, line in enumerate(rows, 2):
        right = said.get(at) == line.movie if at in said else False
        state = "right" if right else "wrong" if at in said else why[at]
        table.setdefault(line.quirk or "as it is", Counter())[state] += 1
    parts = [f"  {quirk}: " + ", ".join(f"{count} {state}" for state, count in counts.most_common())
             for quirk, counts in sorted(table.items())]  # fmt: skip
    return "\n".join(parts)


def main(folder: Path, out: Path) -> None:
    """Write the file, look its movies up in both libraries, print what came."""
    movies = known(folder)
    rows = lines(movies)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Date", "Name", "Year", "Letterboxd URI", "Rating"])
        for at, line in enumerate(rows):
            date = f"20{15 + at // 60}-{1 + at % 12:02}-{1 + at % 28:02}"
            writer.writerow([date, line.title, line.year or "", "https://boxd.it/x", line.rating or ""])
    print(f"{len(rows)} rows drawn from {len(movies):,} movies, seed {SEED}: {out}")
    for name, english in (("with MovieLens' titles", True), ("original titles alone", False)):
        mine = library(folder, english)
        found = match_ratings(read_ratings_file(out), mine, TitleIndex(mine))
        print(
            f"{name}: {len(found.matches)} of {len(rows)} rows matched ({found.match_counts}), "
            f"skipped: {found.skip_counts}"
        )
        print(told(rows, found, mine.movie_ids))
        for each in found.skipped:
            if each.reason.startswith(("year mismatch", "no such", "ambiguous")):
                print(f"    {each.title}: {each.reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "letterboxd.csv"))
