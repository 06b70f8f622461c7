"""What each term of the ranker is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from bench.ranker_terms import TERMS, fit_without, format_row, measure
from reelgraph.evaluation.ranking import build_queries
from reelgraph.rankers import blend
from reelgraph.rankers.blend_features import FEATURES
from tests.helpers.history_strategies import random_histories
from tests.helpers.ranker_samples import planted_inputs

PARAMS = blend.Params.model_validate(YAML(typ="safe").load(Path("params.yaml"))["rankers"]["blend"])


def test_a_term_has_no_coefficient_and_its_absence_is_measured() -> None:
    inputs = planted_inputs(users=200, movies=60)
    features, choices = blend.prepare_regression(inputs, PARAMS)
    coefficients = fit_without((), choices)
    np.testing.assert_array_equal(coefficients, blend.fit(inputs, PARAMS).coefficients)
    column = [FEATURES.index(name) for name in TERMS["item weights"]]
    without = fit_without(TERMS["item weights"], choices)
    assert (without[column] == 0).all()
    assert (coefficients[column] > 0).any()
    assert (np.delete(without, column) != np.delete(coefficients, column)).any()
    histories = random_histories(0, 20, 60, 40)
    queries = build_queries(histories, "val", 100, np.random.default_rng(0))
    metrics = measure(features, coefficients, queries)
    assert metrics.shape == (len(queries.queries), 2)
    assert (metrics != measure(features, without, queries)).any()


def test_a_row_has_means_and_intervals_of_the_differences() -> None:
    metrics = np.full((40, 2), [0.25, 0.5])
    reference = np.full((40, 2), [0.3, 0.375])
    row = format_row("age", metrics, reference, 0)
    assert row.split() == [
        *("age", "0.2500", "-0.0500", "to", "-0.0500"),
        *("0.5000", "+0.1250", "to", "+0.1250"),
    ]
