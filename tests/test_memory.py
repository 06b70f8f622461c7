"""A hundred epochs need no more memory than twenty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import psutil
import pytest

from reelgraph.gnn.trainer import train_on_all_edges
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import make_fitter
from reelgraph.runtime.checkpointing import Checkpoint
from tests.helpers.graphs import gnn_params, random_graph
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params

GROWTH = 24 << 20
"""Bytes by which an allocator may be untidy; an epoch that is kept in memory is more."""


def rater(kind: str) -> Callable[[], object]:
    values = small_rater_params(kind, hidden_dim=32).model_dump()
    values["train"] |= {"epochs": 100}
    values["gp"] |= {"epochs": 100, "max_ratings": 10**9}
    fitter = make_fitter(
        TrainRaterParams.model_validate(values), random_histories(3, 6, MOVIES, 40), small_movie_inputs()
    )
    return lambda: fitter.fit_and_select()


def gnn(kind: str) -> Callable[[], object]:
    graph, draw = random_graph(400, 64), np.random.default_rng(0)
    features = draw.normal(size=(400, 64)).astype(np.float32)
    return lambda: train_on_all_edges(graph, features, gnn_params(hidden_dim=128, out_dim=128), 100, 1)


@pytest.mark.parametrize(
    ("kind", "work"), [("gp", rater), ("attention", rater), ("transformer", rater), ("gnn", gnn)]
)
def test_fit_memory_does_not_grow_with_epochs(kind: str, work, monkeypatch: pytest.MonkeyPatch) -> None:
    resident, process = [], psutil.Process()
    monkeypatch.setattr(Checkpoint, "save", lambda *_: resident.append(process.memory_info().rss))
    work(kind)()
    assert len(resident) >= 100
    assert max(resident[20:100]) - resident[19] < GROWTH
