"""A bundle of drawn numbers is one that loads and answers, at the size that was asked for."""

from __future__ import annotations

from pathlib import Path

import reelgraph
from bench.random_bundle import main


def test_a_drawn_bundle_loads_and_answers(tmp_path: Path) -> None:
    main(300, tmp_path / "bundle")
    bundle = reelgraph.load(tmp_path / "bundle")
    found = bundle.recommend([(7, 4.5), (11, 2.0)], top=5)
    assert len(bundle.catalog) == 300
    assert len({each.movie_id for each in found} - {7, 11}) == 5
    assert all(0.5 <= each.low <= each.stars <= each.high <= 5 for each in found)
    (one,) = bundle.predict([(7, 4.5), (11, 2.0)], [found[0].movie_id])
    assert abs(one.stars - found[0].stars) < 1e-5
    assert [reason.title for reason in one.reasons] == [reason.title for reason in found[0].reasons]
