"""A bundle with random weights loads and predicts."""

from __future__ import annotations

from pathlib import Path

import reelgraph
from bench.random_bundle import main


def test_main_writes_a_bundle_that_loads_and_predicts(tmp_path: Path) -> None:
    history = [(7, 4.5), (11, 2.0)]
    main(300, tmp_path / "bundle")
    bundle = reelgraph.load(tmp_path / "bundle")
    recommendations = bundle.recommend(history, top=5)
    assert len(bundle.catalog) == 300
    assert len({movie.movie_id for movie in recommendations} - {7, 11}) == 5
    assert all(0.5 <= movie.stars <= 5 and movie.prediction_set for movie in recommendations)
    (prediction,) = bundle.predict(history, [recommendations[0].movie_id])
    assert abs(prediction.stars - recommendations[0].stars) < 1e-5
    titles = [reason.title for reason in prediction.reasons]
    assert titles == [reason.title for reason in recommendations[0].reasons]
