"""The stages compute what the plain re-implementation in bench/reference computes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from bench.comparison import exponent

SIZES = {
    "tables": 3_000,
    "build_kg": 300,
    "bert_encode": 12,
    "train_gnn_epoch": 200,
    "train_rater": 3_000,
    "evaluate": 5_000,
    "train_ranker": 5_000,
    "rank_user": 5_000,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SIZES)
def test_both_sides_are_equal(name: str, tmp_path: Path) -> None:
    stage, size = import_module(f"bench.stages.{name}"), SIZES[name]
    stage.prepare(tmp_path, size)
    reference, reelgraph = (side(tmp_path, size).arrays for side in (stage.reference, stage.reelgraph))
    stage.check(reference, reelgraph)
    changed = {key: array.copy() for key, array in reelgraph.items()}
    first = next(iter(reference))
    changed[{"entity_type": "name"}.get(first, first)].flat[0] = (
        "-1" if reelgraph[first].dtype.kind == "U" else -1
    )
    with pytest.raises(AssertionError):
        stage.check(reference, changed)


def test_the_exponent_of_a_square_is_two() -> None:
    assert exponent((10, 20, 40), [1.0, 4.0, 16.0]) == pytest.approx(2)
    assert exponent((10,), [1.0]) is None
