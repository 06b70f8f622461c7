"""Measures of rating probabilities on distributions with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.core.rating_scale import smallest_set
from reelgraph.evaluation.intervals import Clusters
from reelgraph.evaluation.probabilities import (
    compare_probabilities,
    continuous_ranked_probability_score,
    coverage_between,
    log_likelihood,
    pit_histogram,
    prediction_set_metrics,
    probability_metrics_by_slice,
    randomized_coverage,
)

CODES = np.array([4, 9])
CERTAIN = np.eye(10)[[3, 3]]
UNIFORM = np.full((2, 10), 0.1)


@pytest.fixture(scope="module")
def calibrated() -> tuple[np.ndarray, np.ndarray]:
    """Codes that are drawn from their probabilities, which are."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(10), 4000)
    codes = (np.cumsum(probabilities, axis=1) < rng.random((4000, 1))).sum(axis=1) + 1
    return codes, probabilities


def test_continuous_ranked_probability_score_of_a_certain_prediction_is_its_absolute_error() -> None:
    np.testing.assert_allclose(continuous_ranked_probability_score(CODES, CERTAIN), [0.0, 2.5])


def test_continuous_ranked_probability_score_is_the_energy_form() -> None:
    """E|X − y| − E|X − X'| / 2 with independent X and X' (Gneiting & Raftery 2007, equation 21)."""
    probabilities = np.random.default_rng(1).dirichlet(np.ones(10), 2)
    stars = np.arange(1, 11) / 2
    distance = np.abs(stars - stars[:, None])
    error = (probabilities * np.abs(stars - CODES[:, None] / 2)).sum(axis=1)
    expected = error - np.einsum("ni,ij,nj->n", probabilities, distance, probabilities) / 2
    np.testing.assert_allclose(continuous_ranked_probability_score(CODES, probabilities), expected)


def test_log_likelihood_is_finite_at_probability_0() -> None:
    np.testing.assert_allclose(log_likelihood(CODES, UNIFORM), np.log(0.1))
    np.testing.assert_allclose(log_likelihood(CODES, CERTAIN), [0.0, np.log(1e-12)])


def test_coverage_between_counts_the_part_of_a_half_star_inside() -> None:
    # The half stars 4 and 9 have the transforms 0.3 to 0.4 and 0.8 to 0.9.
    np.testing.assert_allclose(coverage_between(CODES, UNIFORM, 0.35, 0.82), [0.5, 0.2])


def test_randomized_coverage_and_pit_histogram_of_a_calibrated_model(calibrated) -> None:
    codes, probabilities = calibrated
    assert randomized_coverage(codes, probabilities, 0.8).mean() == pytest.approx(0.8, abs=0.02)
    assert randomized_coverage(codes, probabilities, 0.95).mean() == pytest.approx(0.95, abs=0.01)
    fractions = [row["fraction"] for row in pit_histogram(codes, probabilities).values()]
    assert sum(fractions) == pytest.approx(1)
    assert fractions == pytest.approx(np.full(10, 0.1), abs=0.015)


def test_pit_histogram_of_predictions_that_are_too_low_rises(calibrated) -> None:
    codes, probabilities = calibrated
    fractions = [row["fraction"] for row in pit_histogram(np.minimum(codes + 2, 10), probabilities).values()]
    assert fractions[-1] > 2 * fractions[0]


def test_compare_probabilities_gives_paired_intervals(calibrated) -> None:
    codes, probabilities = calibrated
    clusters = Clusters(np.arange(len(codes)) // 10)
    worse = (probabilities + 0.1) / 2
    intervals = compare_probabilities(clusters, codes, {"rater": probabilities, "worse": worse}, seed=0)
    crps = continuous_ranked_probability_score(codes, probabilities)
    assert intervals["rater"]["crps_low"] < crps.mean() < intervals["rater"]["crps_high"]
    assert intervals["worse"]["crps_diff_high"] < 0 < intervals["worse"]["log_likelihood_diff_low"]
    assert "crps_diff_low" not in intervals["rater"]
    equal = compare_probabilities(clusters, codes, {"rater": worse, "equal": worse}, seed=0)["equal"]
    assert (equal["crps_diff_low"], equal["log_likelihood_diff_high"]) == (0, 0)


def test_prediction_set_metrics_count_half_stars_and_ratings_inside(calibrated) -> None:
    codes, probabilities = calibrated
    metrics = prediction_set_metrics(codes, probabilities)
    assert 0.8 < metrics["set_coverage_80"] < 0.9
    assert metrics["set_size_80"] < metrics["set_size_95"]
    assert prediction_set_metrics(CODES, CERTAIN) == {
        "set_size_80": 1.0, "set_coverage_80": 0.5, "set_size_95": 1.0, "set_coverage_95": 0.5,
    }  # fmt: skip


def test_smallest_set_is_the_smallest_of_all_sets() -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.ones(10), 20)
    is_in_set = smallest_set(probabilities, 0.8)
    inside = (probabilities * is_in_set).sum(axis=1)
    assert (inside >= 0.8).all()
    for row, chosen in zip(probabilities, is_in_set, strict=True):
        assert np.sort(row)[::-1][: chosen.sum() - 1].sum() < 0.8
    tensor = torch.from_numpy(probabilities)
    np.testing.assert_array_equal(smallest_set(tensor, 0.8).numpy(), is_in_set)


def test_smallest_set_takes_the_lower_of_equally_probable_half_stars() -> None:
    np.testing.assert_array_equal(np.flatnonzero(smallest_set(UNIFORM[0], 0.35)), np.arange(4))
    np.testing.assert_array_equal(np.flatnonzero(smallest_set(np.eye(10)[4], 1.0)), [4])


def test_probability_metrics_by_slice_average_to_all(calibrated) -> None:
    codes, probabilities = calibrated
    labels = {"size": np.where(codes % 2 == 0, "10 to 29", "under 10")}
    metrics = probability_metrics_by_slice(labels, codes, probabilities)
    total = metrics["all"]["all"]
    assert list(metrics["size"]) == ["under 10", "10 to 29"]
    for name in ("crps", "log_likelihood", "coverage_80", "coverage_95"):
        mean = sum(row["n_targets"] * row[name] for row in metrics["size"].values()) / len(codes)
        assert mean == pytest.approx(total[name])
