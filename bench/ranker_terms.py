"""What each term of the ranker ``blend`` is worth: ``python -m bench.ranker_terms``.

On the data of the last run. Fits the item weights once, and the regression without each term; its
candidates stay the same. Ranks all movies for everybody with validation targets. Prints NDCG@10 and
recall@20, means over users, and the paired 95 % intervals of the ranker without the term minus that with all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Float64
from threadpoolctl import threadpool_limits

from reelgraph.core.seeds import derive_seed, generator
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, percentile_interval
from reelgraph.evaluation.ranking import (
    COMPARED_METRICS,
    RankingQueries,
    build_queries,
    rank_movies,
    ranker_scores,
)
from reelgraph.params.base import load
from reelgraph.params.evaluation import TrainRankerParams
from reelgraph.rankers.blend import BlendRanker, Params, prepare_regression
from reelgraph.rankers.blend_features import FEATURES, FLOORS, NOT_NEGATIVE, BlendFeatures
from reelgraph.rankers.io import read_ranker_inputs
from reelgraph.rankers.listwise import Choices, fit_listwise
from reelgraph.sequences.dataset import read_histories

GROUPS = {
    "order of the history": ("next_movie", "last_movie"),
    "item weights": tuple(FLOORS),
    "popularities": ("popularity", "popularity_by_length", "recent_popularity"),
    "time": ("recent_popularity", "not_yet_rated", "age", "years_since_release"),
}
"""Terms of several features."""
TERMS = {name: (name,) for name in FEATURES} | GROUPS

Metrics = Float64[np.ndarray, "users compared"]


def fit_without(term: Collection[str], choices: Choices) -> Float[np.ndarray, " features"]:
    """Return coefficients that are 0 for the features of a term, and fitted for all others."""
    features = choices.features.copy()
    # The coefficient of a constant does not change the likelihood: the penalty keeps it at 0.
    features[:, :, [FEATURES.index(name) for name in term]] = 0
    return fit_listwise(replace(choices, features=features), NOT_NEGATIVE)


def measure(
    features: BlendFeatures, coefficients: Float[np.ndarray, " features"], queries: RankingQueries
) -> Metrics:
    """Return ``COMPARED_METRICS`` of each user's validation targets."""
    scores = ranker_scores(BlendRanker(features, coefficients), queries)
    return rank_movies(queries, scores).watched[:, : len(COMPARED_METRICS)]


def format_row(name: str, metrics: Metrics, reference: Metrics, seed: int) -> str:
    """Return the mean of each metric, and the interval of it minus the reference's."""
    resampled = bootstrap_means(Clusters(np.arange(len(metrics))), metrics - reference, seed)
    columns = [f"{name:<22}"]
    for mean, difference in zip(metrics.mean(axis=0), resampled.T, strict=True):
        low, high = percentile_interval(difference)
        columns.append(f"{mean:.4f}   {low:+.4f} to {high:+.4f}")
    return "  ".join(columns)


@threadpool_limits.wrap(limits=1)  # as stage train_ranker
def main() -> None:
    """Print a row for each term as soon as it is known."""
    params = load(TrainRankerParams)
    inputs = read_ranker_inputs("train", params.seed)
    histories = read_histories("data/sequences", len(inputs.content.year))
    rng = generator(params.seed, "bench/ranker_terms")
    queries = build_queries(histories, "val", len(histories.val), rng)
    features, choices = prepare_regression(inputs, Params.model_validate(params.rankers["blend"]))
    seed = derive_seed(params.seed, "bench/ranker_terms")
    reference = measure(features, fit_without((), choices), queries)
    print(f"{len(queries.queries):,} users")
    print(f"{'without':<24}{'NDCG@10':<9}{'difference':<20}{'recall@20':<9}difference")
    print(format_row("(all terms)", reference, reference, seed), flush=True)
    for name, term in TERMS.items():
        metrics = measure(features, fit_without(term, choices), queries)
        print(format_row(name, metrics, reference, seed), flush=True)


if __name__ == "__main__":
    main()
