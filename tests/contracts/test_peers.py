"""What every peer owes: what a baseline owes, where its package is installed."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.baselines.external.needed import needed
from reelgraph.baselines.loading import load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.base import load
from reelgraph.params.peers import PEERS_FILE, PeerParams
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.ratings import stars
from tests.baselines.planted import planted
from tests.sequences.strategies import SPLITS, random_histories, unseen, with_other

PEERS = load(PeerParams, PEERS_FILE).peers
PACKAGE = {"svd": "surprise", "svdpp": "surprise", "als_implicit": "cmfrec"}
QUICK = {"burn_in": 5, "draws": 20, "rank": 4}


@pytest.fixture(params=PEERS)
def name(request: pytest.FixtureRequest) -> str:
    package = PACKAGE.get(request.param, "myfm")
    try:
        needed(package)
    except PackageError:
        pytest.skip(f"{request.param} needs {package}, of the extra peers")
    return request.param


def predicted(name: str, h: Histories, index: np.ndarray, **numbers: object) -> np.ndarray:
    quick = {key: value for key, value in (QUICK | numbers).items() if key in PEERS[name]}
    predict = load_baseline("reelgraph.baselines.external", name, PEERS[name] | quick, PEERS_FILE)
    return predict(h, h.fit_end("train"), index)


@pytest.mark.parametrize("split", SPLITS)
def test_on_the_scale(name: str, split: str) -> None:
    h = random_histories(4, 12, 40, 50, split)
    values = predicted(name, h, np.concatenate([h.val, h.test]))
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert values.min() >= 0.5
    assert values.max() <= 5.0


@pytest.mark.parametrize("split", SPLITS)
def test_only_training_rows_and_the_history_matter(name: str, split: str) -> None:
    h = random_histories(5, 12, 40, 50, split)
    index = h.test[:1]
    others = unseen(h, int(index[0]))
    others[index] = False
    other = with_other(h, others)
    other.code[index] = 11 - other.code[index]
    np.testing.assert_allclose(predicted(name, h, index), predicted(name, other, index), atol=1e-9)


def test_twice_the_same_bytes(name: str) -> None:
    h = random_histories(6, 12, 40, 50)
    assert predicted(name, h, h.test).tobytes() == predicted(name, h, h.test).tobytes()


def test_a_target_is_predicted_alike_alone_and_among_others(name: str) -> None:
    h = random_histories(7, 6, 40, 50)
    alone = np.concatenate([predicted(name, h, h.test[i : i + 1]) for i in range(len(h.test))])
    np.testing.assert_allclose(predicted(name, h, h.test), alone, atol=1e-9)


def test_planted_tastes_are_found(name: str) -> None:
    h = planted(0)
    said = predicted(name, h, h.test, draws=100, burn_in=50, ridge=0.02 if "svd" in name else 1.0, epochs=60)
    mean = np.full(len(h.test), stars(h, np.flatnonzero(h.before(h.fit_end("train")))).mean())
    assert rmse(stars(h, h.test), said) < 0.5 * rmse(stars(h, h.test), mean)
