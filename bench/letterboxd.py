"""Fraction of the rows of a Letterboxd file that match: ``python -m bench.letterboxd REAL_DATA [OUT.csv]``.

Samples 300 movies of MovieLens latest-small with their titles at TMDB, which Letterboxd shows. Writes them as
Letterboxd does, with common variations, and matches them with the catalogue. TMDB ids and links.csv give the
correct movie of each row.
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
from reelgraph.app.rating_imports.matching import MatchedRatings, match_ratings
from reelgraph.app.rating_imports.ratings_file import read_ratings_file

N_ROWS = 300
SEED = 7
FRACTIONS = {"another year": 0.08, "no rating": 0.05, "no accents": 0.03, "typographic characters": 0.05,
          "& for and": 0.05, "rated twice": 0.03, "no year": 0.01}  # fmt: skip
"""Fraction of the rows with each variation."""
UNKNOWN_TITLES = (
    ("Oppenheimer", 2023), ("Past Lives", 2023), ("Chernobyl", 2019), ("Parasite", 2019), ("Fleabag", 2016),
    ("Everything Everywhere All at Once", 2022), ("The Zone of Interest", 2023), ("Aftersun", 2022),
    ("Dune", 2021), ("The Queen's Gambit", 2020), ("Portrait of a Lady on Fire", 2019),
    ("True Detective", 2014),
)  # fmt: skip
"""Titles that latest-small does not have: movies since 2019, and series."""


@dataclass(frozen=True)
class Row:
    """One row, and its movie; None if the catalogue does not have it."""

    title: str
    year: int | None
    rating: float | None
    movie: int | None
    variation: str = ""


def read_movies(folder: Path) -> pd.DataFrame:
    """Return movieId, title and year of the movies of latest-small, from TMDB's files."""
    links = pd.read_csv(folder / "ml-latest-small/links.csv")
    files = [folder / "tmdb" / name for name in ("movies_metadata_first5000.csv", "tmdb_5000_movies.csv")]
    columns = ["id", "title", "release_date"]
    metadata = pd.concat([pd.read_csv(file, usecols=columns, dtype=str) for file in files])
    tmdb = metadata.rename(columns={"id": "tmdbId"}).dropna().drop_duplicates("tmdbId")
    tmdb = tmdb[tmdb["tmdbId"].str.fullmatch(r"\d+")].assign(tmdbId=lambda t: t["tmdbId"].astype(int))
    rated = pd.read_csv(folder / "ml-latest-small/ratings.csv")["movieId"].unique()
    both = links[links["movieId"].isin(rated)].merge(tmdb, on="tmdbId")
    return both.assign(year=both["release_date"].str[:4].astype(int))[["movieId", "title", "year"]]


def sample_rows(movies: pd.DataFrame) -> list[Row]:
    """Sample movies and vary their titles, years and ratings."""
    rng = np.random.default_rng(SEED)
    sampled = movies.sample(N_ROWS - len(UNKNOWN_TITLES), random_state=SEED)
    variations = [*FRACTIONS, ""]
    probabilities = [*FRACTIONS.values(), 1 - sum(FRACTIONS.values())]
    rows = []
    for movie, title, year in sampled.itertuples(index=False):
        variation = str(rng.choice(variations, p=probabilities))
        stars = float(rng.integers(1, 11)) / 2
        rows += _vary_row(str(title), int(year), int(movie), variation, stars, rng)
    rows += [Row(title, year, 4.0, None, "not in the catalogue") for title, year in UNKNOWN_TITLES]
    return [rows[index] for index in rng.permutation(len(rows))]


def _vary_row(
    title: str, year: int, movie: int, variation: str, stars: float, rng: np.random.Generator
) -> list[Row]:
    if variation == "another year":
        return [Row(title, year + int(rng.choice([-1, 1])), stars, movie, variation)]
    if variation == "no rating":
        return [Row(title, year, None, movie, variation)]
    if variation == "no year":
        return [Row(title, None, stars, movie, variation)]
    if variation == "rated twice":
        return [Row(title, year, stars, movie, variation), Row(title, year, 4.5, movie, variation)]
    return [Row(_vary_title(title, variation), year, stars, movie, variation)]


def _vary_title(title: str, variation: str) -> str:
    if variation == "no accents":
        characters = unicodedata.normalize("NFKD", title)
        return "".join(character for character in characters if not unicodedata.combining(character))
    if variation == "typographic characters":
        return title.replace("'", "’").replace(" - ", " – ")
    if variation == "& for and":
        return re.sub(r"\band\b", "&", title)
    return title


def read_catalog(folder: Path, english: bool) -> MovieCatalog:
    """Return the catalogue, with MovieLens' titles or with the original titles only."""
    table = pq.read_table(folder / "ml-latest-small/catalog.parquet")
    table = add_titles(table, folder / "ml-latest-small" if english else None)
    size = table.num_rows
    table = table.append_column("source_movie_id", pa.nulls(size, pa.string()))
    for name in ("ratings", "x", "y"):
        table = table.append_column(name, pa.array(np.zeros(size), MOVIES_SCHEMA.field(name).type))
    return MovieCatalog(table.select(MOVIES_SCHEMA.names).cast(MOVIES_SCHEMA))


def format_outcomes(rows: list[Row], matched: MatchedRatings, movie_ids: np.ndarray) -> str:
    """Return the numbers of correct, wrong and skipped rows by variation."""
    movies = {match.rating.line: int(movie_ids[match.row]) for match in matched.matches}
    reasons = {row.line: row.reason.partition(":")[0] for row in matched.skipped}
    outcomes: dict[str, Counter[str]] = {}
    for line, row in enumerate(rows, 2):
        if line not in movies:
            outcome = reasons[line]
        elif movies[line] == row.movie:
            outcome = "correct"
        else:
            outcome = "wrong"
        outcomes.setdefault(row.variation or "unchanged", Counter())[outcome] += 1
    lines = []
    for variation, counts in sorted(outcomes.items()):
        lines.append(f"  {variation}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.most_common()))
    return "\n".join(lines)


def main(folder: Path, out: Path) -> None:
    """Write the file, match it with both catalogues, and print the outcomes."""
    movies = read_movies(folder)
    rows = sample_rows(movies)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Date", "Name", "Year", "Letterboxd URI", "Rating"])
        for index, row in enumerate(rows):
            date = f"20{15 + index // 60}-{1 + index % 12:02}-{1 + index % 28:02}"
            writer.writerow([date, row.title, row.year or "", "https://boxd.it/x", row.rating or ""])
    print(f"{len(rows)} rows sampled from {len(movies):,} movies, seed {SEED}: {out}")
    for name, english in (("with MovieLens' titles", True), ("original titles only", False)):
        catalog = read_catalog(folder, english)
        matched = match_ratings(read_ratings_file(out), catalog, TitleIndex(catalog))
        print(
            f"{name}: {len(matched.matches)} of {len(rows)} rows matched ({matched.match_counts}), "
            f"skipped: {matched.skip_counts}"
        )
        print(format_outcomes(rows, matched, catalog.movie_ids))
        for skipped in matched.skipped:
            if skipped.reason.startswith(("year mismatch", "no such", "ambiguous")):
                print(f"    {skipped.title}: {skipped.reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "letterboxd.csv"))
