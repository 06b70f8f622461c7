"""Ranker: a few scores of each movie, combined by a listwise logistic regression.

The scores are those of ``blend_features``. The regression is fitted on held-out training ratings, whose
scores come from rankers that were fitted without them; then these are fitted on all ratings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from pydantic import Field

from reelgraph.core.schemas.vectors import unit_rows
from reelgraph.core.seeds import generator
from reelgraph.rankers.blend_choices import collect_choices
from reelgraph.rankers.blend_features import FEATURES, FLOORS, SUMS_OVER_HISTORY, BlendFeatures
from reelgraph.rankers.blend_items import ItemParams, fit_items, select_and_fit_items
from reelgraph.rankers.held_out import held_out_queries
from reelgraph.rankers.item_weights import ItemWeightsRanker, restore_item_weights
from reelgraph.rankers.listwise import fit_listwise
from reelgraph.rankers.ranker import (
    FittedRatings,
    RankerInputs,
    RankingQuery,
    mean_stars,
    sample_users,
)
from reelgraph.rankers.rating_times import RecentPeriod, collect_times, restore_times


class Params(ItemParams, RecentPeriod):
    """Parameters of the ranker."""

    last_decay: float = Field(gt=0, lt=1)
    """The same decay for the popularity of the history, above 0, below 1."""


@dataclass(frozen=True)
class BlendRanker:
    """Orders movies by a linear function of their features."""

    features: BlendFeatures
    coefficients: Float[np.ndarray, " features"]

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the score of each movie: the log-odds that it is watched next, up to a constant."""
        return self.features.compute(query) @ self.coefficients.astype(np.float32)

    def contributions(self, query: RankingQuery, movie: int) -> Float[np.ndarray, " history"]:
        """Return what each movie of the history adds to the score of one movie, to first order."""
        coefficient = dict(zip(FEATURES, self.coefficients, strict=True))
        total = np.zeros(len(query.history))
        for name, floor in FLOORS.items():
            summands = self.features.items[name].contributions(query, movie)
            total += coefficient[name] * summands / max(float(summands.sum()), floor)
        if len(query.history):
            text = self.features.text
            similarity = self.features.text_weights(query) * (text[query.history] @ text[movie])
            total += coefficient["text_similarity"] * similarity
        return total

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the parts, named PART.ARRAY."""
        parts = {name: ranker.arrays() for name, ranker in self.features.items.items()}
        parts["times"] = self.features.times.arrays()
        arrays = {f"{part}.{name}": array for part, values in parts.items() for name, array in values.items()}
        arrays["text"] = self.features.text.astype(np.float16)
        arrays["year"] = self.features.year
        arrays["mean_stars"] = self.features.mean_stars
        arrays["days"] = np.array(self.features.days)
        arrays["last_decay"] = np.array(self.features.last_decay)
        arrays["coefficients"] = self.coefficients
        return arrays


def restore(arrays: Mapping[str, np.ndarray]) -> BlendRanker:
    """Build the ranker from its ``arrays``."""

    def part(prefix: str) -> dict[str, np.ndarray]:
        names = (name for name in arrays if name.startswith(f"{prefix}."))
        return {name.removeprefix(f"{prefix}."): arrays[name] for name in names}

    features = BlendFeatures(
        items={name: restore_item_weights(part(name)) for name in FLOORS},
        times=restore_times(part("times")),
        text=arrays["text"].astype(np.float32),
        year=arrays["year"],
        mean_stars=arrays["mean_stars"],
        days=float(arrays["days"]),
        last_decay=float(arrays["last_decay"]),
    )
    return BlendRanker(features, arrays["coefficients"])


def fit(inputs: RankerInputs, params: Params) -> BlendRanker:
    """Fit the coefficients on held-out ratings, then the item rankers on all ratings."""
    rng = generator(inputs.seed, "rankers/blend")
    held_out = held_out_queries(inputs, rng)
    sample = sample_users(held_out.ratings, rng)
    items, penalties = select_and_fit_items(held_out, sample, params)
    features = _build_features(items, held_out.ratings, inputs, params)
    not_negative = [FEATURES.index(name) for name in SUMS_OVER_HISTORY]
    coefficients = fit_listwise(collect_choices(features, held_out, rng), not_negative)
    items = fit_items(sample_users(inputs.ratings, rng), params, penalties)
    return BlendRanker(_build_features(items, inputs.ratings, inputs, params), coefficients)


def _build_features(
    items: dict[str, ItemWeightsRanker], ratings: FittedRatings, inputs: RankerInputs, params: Params
) -> BlendFeatures:
    known = np.isfinite(inputs.year)
    year = np.where(known, inputs.year, np.median(inputs.year[known]) if known.any() else 0)
    return BlendFeatures(
        items=items,
        times=collect_times(ratings),
        text=unit_rows(inputs.text),
        year=year.astype(np.float32),
        mean_stars=mean_stars(ratings),
        days=params.days,
        last_decay=params.last_decay,
    )
