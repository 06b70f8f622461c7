"""The ablation study: its controls, experiments and result table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.params.base import PARAMS_FILE, load
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.network_rater import build_network
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories
from studies.ablation.ablations import (
    RatingsHiddenNetwork,
    apply_control,
    run_experiment,
    shuffle_training_ratings,
)
from studies.ablation.params import ABLATION_FILE, AblationParams
from studies.ablation.result_table import Experiment, aggregate_runs, list_experiments, plot_table
from tests.helpers.history_strategies import build_strategy, random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params


def small_params() -> AblationParams:
    params = load(AblationParams, PARAMS_FILE, ABLATION_FILE).model_dump()
    params |= small_rater_params("gp").model_dump(include={"model", "gp", "train"})
    params["ablation"] |= {"epochs": 2, "gp_epochs": 1}
    return AblationParams.model_validate(params)


def run(experiment: Experiment, seed: int = 1) -> dict[str, float]:
    histories = random_histories(3, 30, 40, 60)
    return run_experiment(experiment, seed, small_params(), histories, small_movie_inputs())


@pytest.mark.parametrize(
    "experiment",
    [
        Experiment("attention", "text"),
        Experiment("attention", "kg_gnn_bert", "history_shuffled"),
        Experiment("transformer", "kg_gnn_bert", "ratings_hidden"),
        Experiment("gp", "kg_gnn_bert", "history_shuffled"),
        Experiment("gp", "kg_gnn_bert", "text_hidden"),
        Experiment("gp", "kg_gnn_bert", "graph_hidden"),
    ],
    ids=lambda experiment: experiment.name,
)
def test_run_experiment_depends_on_the_seed_only(experiment: Experiment) -> None:
    result = run(experiment)
    assert set(result) == {"val_rmse", "test_rmse"}
    assert all(0 < value < 4.5 for value in result.values())
    assert run(experiment) == result
    assert run(experiment, seed=2) != result


@pytest.mark.parametrize("control", ["history_shuffled", "ratings_hidden"])
def test_run_experiment_depends_on_the_control(control: str) -> None:
    uncontrolled = run(Experiment("attention", "kg_gnn_bert"))
    assert run(Experiment("attention", "kg_gnn_bert", control)) != uncontrolled


def test_run_experiment_rejects_ratings_hidden_for_gp() -> None:
    with pytest.raises(ParamError, match="ablation.gp_controls: expected controls that gp"):
        run(Experiment("gp", "text", "ratings_hidden"))


@given(build_strategy("leave_last_out", "global_time", "given"), st.integers(0, 2**32))
def test_shuffle_training_ratings_moves_ratings_within_their_user(h: UserHistories, seed: int) -> None:
    shuffled = shuffle_training_ratings(h, seed)
    before = list(zip(h.movie_row, h.half_star_code, strict=True))
    after = list(zip(shuffled.movie_row, shuffled.half_star_code, strict=True))
    for start, stop, end in zip(h.offsets[:-1], h.offsets[1:], h.train_end, strict=True):
        assert sorted(before[start:end]) == sorted(after[start:end])
        assert before[end:stop] == after[end:stop]
    assert shuffled.timestamp is h.timestamp


def test_shuffle_training_ratings_depends_on_the_seed() -> None:
    h = random_histories(0, 20, 40, 50)
    first, second = (shuffle_training_ratings(h, seed).half_star_code for seed in (1, 2))
    assert (first != h.half_star_code).any()
    assert (first != second).any()


def test_ratings_hidden_network_reads_movies_only() -> None:
    h = random_histories(0, 20, 40, 50)
    torch.manual_seed(0)
    config = small_rater_params("attention").config()
    network = build_network(AttentionRater, config, small_movie_inputs().vectors).eval()
    inverted = UserHistories(**{**h.__dict__, "half_star_code": (11 - h.half_star_code).astype(np.uint8)})
    other_movies = UserHistories(**{**h.__dict__, "movie_row": h.movie_row[::-1].copy()})
    original, inverted, other_movies = (
        gather_batch(histories, h.val, 30) for histories in (h, inverted, other_movies)
    )
    hidden = RatingsHiddenNetwork(network)
    assert (network(original) != network(inverted)).all()
    assert (hidden(original) == hidden(inverted)).all()
    assert (hidden(original) != hidden(other_movies)).any()


def test_apply_control_removes_one_input() -> None:
    h = random_histories(0, 5, 40, 20)
    movies = small_movie_inputs()
    _, without_text = apply_control("text_hidden", h, movies, 1)
    assert not without_text.text.any()
    assert without_text.graph is movies.graph
    _, without_graph = apply_control("graph_hidden", h, movies, 1)
    assert without_graph.graph.relations == {}
    assert without_graph.text is movies.text
    assert apply_control(None, h, movies, 1) == (h, movies)


def test_list_experiments_returns_every_pair_and_the_controls() -> None:
    experiments = list_experiments(load(AblationParams, PARAMS_FILE, ABLATION_FILE).ablation)
    names = [experiment.name for experiment in experiments]
    assert len(set(names)) == len(names) == 3 * 5 + 2 * 2 + 3
    assert {"gp-random-none", "transformer-kg_gnn_bert-ratings_hidden"} <= set(names)
    hidden = next(experiment for experiment in experiments if experiment.control == "text_hidden")
    assert (hidden.name, hidden.control_embedding) == ("gp-kg_gnn_bert-text_hidden", "kg_gnn")


def test_aggregate_runs_returns_mean_and_std(tmp_path: Path) -> None:
    runs = {
        "a": [{"val_rmse": 1.0, "test_rmse": 2.0}, {"val_rmse": 2.0, "test_rmse": 2.0}],
        "b": [{"val_rmse": 0.5, "test_rmse": 0.75}],
    }
    table = aggregate_runs(runs)
    assert table["a"] == {
        "seeds": 2, "val_rmse": 1.5, "val_rmse_std": pytest.approx(0.5**0.5),
        "test_rmse": 2.0, "test_rmse_std": 0.0,
    }  # fmt: skip
    assert table["b"]["val_rmse_std"] == 0
    plot_table(table, tmp_path / "table.png")
    assert (tmp_path / "table.png").read_bytes()[:4] == b"\x89PNG"
