"""Every ranker, and every peer of a study, keeps the contract of ``reelgraph.rankers.registry``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from reelgraph.rankers.ranker import Ranker
from reelgraph.rankers.registry import find_ranker, find_rankers, load_ranker, save_ranker
from reelgraph.runtime.errors import ArtifactError, ParamError
from studies.ranking_peers.params import RANKING_PEERS_FILE
from tests.helpers.ranker_samples import planted_inputs, query

RANKERS = YAML(typ="safe").load(Path("params.yaml"))["rankers"]
PEERS = {
    name: {param: values[0] for param, values in params.items()}
    for name, params in YAML(typ="safe").load(Path(RANKING_PEERS_FILE))["ranking_peers"].items()
    if name not in RANKERS
}
HISTORY = query(2, 3, 4)

every_ranker = pytest.mark.parametrize("name", [*RANKERS, *PEERS])


def fit(name: str) -> Ranker:
    if name.startswith("ials"):
        pytest.importorskip("cmfrec")
    return find_ranker(name, (RANKERS | PEERS)[name]).fit(planted_inputs())


@cache
def fitted(name: str) -> Ranker:
    return fit(name)


@every_ranker
def test_score_is_finite_for_any_history(name: str) -> None:
    for history in (HISTORY, query(), query(*range(40))):
        scores = fitted(name).score(history)
        assert scores.shape == (40,)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()


@every_ranker
def test_contributions_are_of_the_history(name: str) -> None:
    contributions = fitted(name).contributions(HISTORY, np.array([5, 6]))
    assert contributions.shape == (2, 3)
    assert np.isfinite(contributions).all()
    assert fitted(name).contributions(query(), np.array([5])).shape == (1, 0)


@every_ranker
def test_load_ranker_returns_what_was_saved(name: str, tmp_path: Path) -> None:
    save_ranker(name, fitted(name), tmp_path / name)
    scores = load_ranker(tmp_path / name).score(HISTORY)
    assert (load_ranker(tmp_path / name, many_queries=True).score(HISTORY) == scores).all()
    np.testing.assert_allclose(scores, fitted(name).score(HISTORY), rtol=0.01, atol=0.01)


@every_ranker
def test_fit_is_reproducible(name: str) -> None:
    again = fit(name).arrays()
    assert all((array == again[key]).all() for key, array in fitted(name).arrays().items())


def test_find_ranker_refuses_unknown_names_and_params() -> None:
    with pytest.raises(ParamError, match=r"rankers\.ranker"):
        find_ranker("ranker", {})
    with pytest.raises(ParamError, match=r"rankers\.popularity\.days"):
        find_ranker("popularity", {"days": 3.0})
    with pytest.raises(ParamError, match=r"rankers\.blend\.l2\.1: expected greater than 0, got -1\.0"):
        find_ranker("blend", RANKERS["blend"] | {"l2": [100.0, -1.0]})


def test_find_rankers_requires_the_ranker_of_recommendations() -> None:
    assert [ranker.name for ranker in find_rankers(RANKERS)] == list(RANKERS)
    with pytest.raises(ParamError, match=r"rankers: expected blend among them, .*, got popularity"):
        find_rankers({"popularity": {}})


def test_load_ranker_refuses_a_damaged_folder(tmp_path: Path) -> None:
    save_ranker("ease", fitted("ease"), tmp_path / "ease")
    (tmp_path / "ease" / "weights.npy").unlink()
    with pytest.raises(ArtifactError, match="ease"):
        load_ranker(tmp_path / "ease")
