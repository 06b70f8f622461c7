"""Ranker: a few scores of each movie, combined by a listwise logistic regression.

The scores are those of ``blend_features``. The regression is fitted on held-out training ratings, whose
scores come from rankers that were fitted without them; then these are fitted on all ratings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int64
from pydantic import Field

from reelgraph.core.schemas.vectors import unit_rows
from reelgraph.core.seeds import generator
from reelgraph.rankers.blend_features import FLOORS, NOT_NEGATIVE, BlendFeatures, log_at_least
from reelgraph.rankers.blend_items import ItemParams, fit_items, select_and_fit_items
from reelgraph.rankers.candidates import collect_choices
from reelgraph.rankers.content import ContentRanker, fit_coefficients, fit_features
from reelgraph.rankers.content import restore as restore_content
from reelgraph.rankers.held_out import held_out_queries, hide_movies
from reelgraph.rankers.item_weights import ItemWeightsRanker, restore_item_weights
from reelgraph.rankers.listwise import Choices, fit_listwise
from reelgraph.rankers.ranker import (
    FittedRatings,
    MovieContent,
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

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return what the scores of movies lose without each movie of the history in the item rankers.

        An item ranker's score is a sum over the history. Without a summand, its logarithm is lower by
        log max(sum, floor) − log max(sum − summand, floor). So a contribution tells of who watches both
        movies, not of their content. The contributions do not add up to the score.
        """
        total = np.zeros((len(movies), len(query.history)))
        for coefficient, (name, floor) in zip(self.coefficients, FLOORS.items(), strict=False):
            summands = self.features.items[name].contributions(query, movies)
            score = summands.sum(axis=1, keepdims=True)
            total += coefficient * (log_at_least(score, floor) - log_at_least(score - summands, floor))
        return total

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the parts, named PART.ARRAY."""
        parts = {name: ranker.arrays() for name, ranker in self.features.items.items()}
        parts["content"] = self.features.content.arrays()
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
        content=restore_content(part("content")),
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
    features, choices = prepare_regression(inputs, params)
    return BlendRanker(features, fit_listwise(choices, NOT_NEGATIVE))


def prepare_regression(inputs: RankerInputs, params: Params) -> tuple[BlendFeatures, Choices]:
    """Return features fitted on all ratings, and the candidates that the coefficients are fitted on.

    The features of the candidates come from rankers that were fitted without the held-out ratings.
    """
    rng = generator(inputs.seed, "rankers/blend")
    held_out = hide_movies(held_out_queries(inputs, rng), rng)
    sample = sample_users(held_out.ratings, rng)
    items, penalties = select_and_fit_items(held_out, sample, params)
    content = fit_features(held_out.ratings, inputs.content)
    by_content = ContentRanker(content, fit_coefficients(content, held_out, rng))
    features = _build_features(items, by_content, held_out.ratings, inputs.content, params)
    choices = collect_choices(features.prepare, held_out, rng)
    items = fit_items(sample_users(inputs.ratings, rng), params, penalties)
    by_content = replace(by_content, features=fit_features(inputs.ratings, inputs.content))
    return _build_features(items, by_content, inputs.ratings, inputs.content, params), choices


def append_movies(ranker: BlendRanker, ratings: FittedRatings, content: MovieContent) -> BlendRanker:
    """Return the ranker with further movies, which nobody has rated; its weights and coefficients stay.

    Args:
        ranker: to append to.
        ratings: those that it was fitted on.
        content: of all movies, the further ones last.
    """
    n_movies = len(content.year)
    items = {name: replace(item, n_movies=n_movies) for name, item in ranker.features.items.items()}
    extended = replace(ratings, n_movies=n_movies)
    by_content = replace(ranker.features.content, features=fit_features(extended, content))
    features = _build_features(items, by_content, extended, content, ranker.features)
    return replace(ranker, features=features)


def _build_features(
    items: dict[str, ItemWeightsRanker],
    by_content: ContentRanker,
    ratings: FittedRatings,
    content: MovieContent,
    params: Params | BlendFeatures,
) -> BlendFeatures:
    known = np.isfinite(content.year)
    year = np.where(known, content.year, np.median(content.year[known]) if known.any() else 0)
    return BlendFeatures(
        items=items,
        content=by_content,
        times=collect_times(ratings),
        text=unit_rows(content.text),
        year=year.astype(np.float32),
        mean_stars=mean_stars(ratings),
        days=params.days,
        last_decay=params.last_decay,
    )
