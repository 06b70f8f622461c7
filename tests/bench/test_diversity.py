from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import reelgraph
from bench.diversity import list_measures
from tests.helpers import bundle_samples
from tests.helpers.bundle_samples import sample_history


def test_list_measures_of_two_movies(tmp_path: Path) -> None:
    bundle = reelgraph.load(bundle_samples.write_sample_bundle(tmp_path))
    predictions = bundle.recommend(sample_history(), 2)
    stars = [
        replace(prediction, stars=value) for prediction, value in zip(predictions, (3.0, 4.0), strict=True)
    ]
    first, second = (bundle.resolve(prediction.movie_id) for prediction in predictions)
    vectors = bundle.similarity.vectors_of_both
    cosine = float(vectors[first] @ vectors[second])
    assert list_measures(bundle, stars, predictions[1].movie_id) == pytest.approx(
        (cosine, 3.5, 1.0), abs=1e-6
    )
    other_id = int(
        np.setdiff1d(bundle.catalog.movie_ids, [prediction.movie_id for prediction in predictions])[0]
    )
    assert list_measures(bundle, stars, other_id)[2] == 0
