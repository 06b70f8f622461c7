"""Measures of predicted rating probabilities: scores, probability integral transform, and coverage.

Central intervals of half stars hold more than their nominal coverage, as half stars are coarse. So intervals
and the transform are randomized here: a rating whose half star lies only partly inside an interval counts
with the fraction that does (Czado et al. 2009, "Predictive Model Assessment for Count Data"). All results are
expectations over the randomization, so nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import N_CODES, STAR_STEP, smallest_set
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, compare_with_reference
from reelgraph.evaluation.slices import sort_bins

COVERAGES = {"80": 0.8, "95": 0.95}
"""Nominal coverages, by their suffix in the metrics."""
N_PIT_BINS = 10
MIN_PROBABILITY = 1e-12

Codes = Int64[np.ndarray, " targets"]
"""Half-star codes of the ratings, 1 … 10."""
Probabilities = Float[np.ndarray, "targets 10"]
"""Predicted probabilities of the ten codes."""
PerTarget = Float[np.ndarray, " targets"]


def continuous_ranked_probability_score(codes: Codes, probabilities: Probabilities) -> PerTarget:
    """Return ∫ (F(x) − 1{x ≥ rating})² dx of each target, in stars (Gneiting & Raftery 2007).

    It is the absolute error where one half star has probability 1.
    """
    is_reached = np.arange(1, N_CODES + 1) >= codes[:, None]
    return STAR_STEP * np.square(np.cumsum(probabilities, axis=1) - is_reached).sum(axis=1)


def log_likelihood(codes: Codes, probabilities: Probabilities) -> PerTarget:
    """Return the log probability of each rating, in nats."""
    return np.log(np.maximum(probabilities[np.arange(len(codes)), codes - 1], MIN_PROBABILITY))


SCORES = {"crps": continuous_ranked_probability_score, "log_likelihood": log_likelihood}
"""Scores with intervals, by their name in the metrics."""


def coverage_between(codes: Codes, probabilities: Probabilities, low: float, high: float) -> PerTarget:
    """Return the probability that each rating's randomized transform lies between two levels, 0 … 1.

    The transform of a rating is uniform between the probabilities of less and of at most this rating.
    """
    row = np.arange(len(codes))
    at_most = np.cumsum(probabilities, axis=1)[row, codes - 1]
    probability = np.maximum(probabilities[row, codes - 1], MIN_PROBABILITY)
    inside = np.minimum(at_most, high) - np.maximum(at_most - probability, low)
    return np.clip(inside / probability, 0, 1)


def randomized_coverage(codes: Codes, probabilities: Probabilities, coverage: float) -> PerTarget:
    """Return the probability that the randomized central interval holds each rating."""
    tail = (1 - coverage) / 2
    return coverage_between(codes, probabilities, tail, 1 - tail)


def pit_histogram(codes: Codes, probabilities: Probabilities) -> dict[str, dict[str, float]]:
    """Return the ``fraction`` of the randomized transforms in ten bins; 0.1 each for a calibrated model."""
    edges = np.linspace(0, 1, N_PIT_BINS + 1)
    fractions = [coverage_between(codes, probabilities, low, high).mean() for low, high in pairwise(edges)]
    return {
        f"{high:.1f}": {"fraction": float(value)} for high, value in zip(edges[1:], fractions, strict=True)
    }


def probability_metrics(codes: Codes, probabilities: Probabilities) -> dict[str, int | float]:
    """Return the means of all measures over targets."""
    metrics: dict[str, int | float] = {
        "n_targets": len(codes),
        **{name: float(score(codes, probabilities).mean()) for name, score in SCORES.items()},
    }
    for name, coverage in COVERAGES.items():
        metrics[f"coverage_{name}"] = float(randomized_coverage(codes, probabilities, coverage).mean())
    return metrics


def prediction_set_metrics(codes: Codes, probabilities: Probabilities) -> dict[str, float]:
    """Return how many half stars the smallest sets have, and the fraction of the ratings inside.

    These are the sets that the application shows. Half stars are coarse, so they hold more than nominal.
    """
    metrics = {}
    for name, coverage in COVERAGES.items():
        is_in_set = smallest_set(probabilities, coverage)
        metrics[f"set_size_{name}"] = float(is_in_set.sum(axis=1).mean())
        metrics[f"set_coverage_{name}"] = float(is_in_set[np.arange(len(codes)), codes - 1].mean())
    return metrics


def compare_probabilities(
    clusters: Clusters, codes: Codes, models: Mapping[str, Probabilities], seed: int
) -> dict[str, dict[str, float]]:
    """Return the 95 % intervals of each model's scores.

    Beside ``rater``, every other model also gets the paired intervals of the rater's score minus its own.

    Args:
        clusters: of the targets.
        codes: half-star codes of the ratings.
        models: probabilities of the ten codes, by model.
        seed: of the bootstrap.
    """
    scores = [
        np.stack([score(codes, probabilities) for score in SCORES.values()], axis=1)
        for probabilities in models.values()
    ]
    resampled = np.split(bootstrap_means(clusters, np.concatenate(scores, axis=1), seed), len(models), axis=1)
    by_model = {
        name: dict(zip(SCORES, values.T, strict=True)) for name, values in zip(models, resampled, strict=True)
    }
    return compare_with_reference(by_model, "rater")


def probability_metrics_by_slice(
    labels: Mapping[str, np.ndarray], codes: Codes, probabilities: Probabilities
) -> dict[str, dict[str, dict[str, int | float]]]:
    """Return slice → bin → metrics; the slice ``all`` has one bin with all targets.

    Args:
        labels: slice → bin of each target; see ``reelgraph.evaluation.slices.slice_labels``.
        codes: half-star codes of the ratings.
        probabilities: of the ten codes.
    """
    metrics = {"all": {"all": probability_metrics(codes, probabilities)}}
    for slice_name, bins in labels.items():
        metrics[slice_name] = {}
        for bin_name in sort_bins(bins):
            in_bin = bins == bin_name
            metrics[slice_name][bin_name] = probability_metrics(codes[in_bin], probabilities[in_bin])
    return metrics
