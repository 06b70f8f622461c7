"""filter and make_sequences in a plain implementation: pandas, a group of rows a user (docs/reference.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd

MIN_HISTORY = 10
MOST_TARGETS = 5


def filtered(catalog: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """Keep the catalogue's movies that occur in the ratings."""
    rated = catalog[catalog["movieId"].isin(ratings["movieId"].unique())]
    return rated.sort_values("movieId").reset_index(drop=True)


def sequences(ratings: pd.DataFrame, movies: pd.DataFrame) -> dict[str, np.ndarray]:
    """Order each user's ratings by time and choose the targets; places count through all users."""
    row_of = {movie: row for row, movie in enumerate(movies["movieId"])}
    embedded = ratings[ratings["movieId"].isin(movies["movieId"])]
    users = embedded.groupby("userId", sort=True)[["movieId", "rating", "timestamp"]]
    ordered = users.apply(lambda rows: rows.sort_values(["timestamp", "movieId"]))
    targets_by_part: dict[str, list[int]] = {"train": [], "val": [], "test": []}
    lengths, start = [], 0
    for _, rows in ordered.groupby(level="userId", sort=True):
        of_user = targets(len(rows))
        for part, places in of_user.items():
            targets_by_part[part].extend(start + position for position in places)
        lengths.append(len(rows))
        start += len(rows)
    return {
        "movie_row": ordered["movieId"].map(row_of).to_numpy(),
        "half_star_code": (ordered["rating"] * 2).round().astype(int).to_numpy(),
        "timestamp": ordered["timestamp"].to_numpy(),
        "offsets": np.cumsum([0, *lengths]),
        **{part: np.array(places) for part, places in targets_by_part.items()},
    }


def targets(count: int) -> dict[str, list[int]]:
    """Return the positions of a user's targets, of ``count`` ratings."""
    test = [count - 1] if count >= MIN_HISTORY + 1 else []
    val = [count - 2] if count >= MIN_HISTORY + 2 else []
    train = list(range(MIN_HISTORY, count - 2))
    if len(train) > MOST_TARGETS:
        train = train[:: len(train) // MOST_TARGETS][:MOST_TARGETS]
    return {"train": train, "val": val, "test": test}
