from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.params.base import PARAMS_FILE, load
from reelgraph.runtime.errors import ParamError
from studies.ablation.experiment import run_experiment, shared_params
from studies.ablation.params import ABLATION_FILE, AblationParams, AblationRunParams
from studies.ablation.result_table import Experiment, aggregate_runs, list_experiments, plot_table
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params


def tiny() -> AblationRunParams:
    given = load(AblationRunParams, PARAMS_FILE, ABLATION_FILE).model_dump()
    given |= small_rater_params("gp").model_dump(include={"model", "gp", "train"})
    given["ablation"] |= {"epochs": 2, "gp_epochs": 1}
    return AblationRunParams.model_validate(given)


@pytest.mark.parametrize(
    "row",
    [
        Experiment("attention", "text"),
        Experiment("attention", "kg_gnn_bert", "history_shuffled"),
        Experiment("transformer", "kg_gnn_bert", "ratings_hidden"),
        Experiment("gp", "kg_gnn_bert", "history_shuffled"),
        Experiment("gp", "kg_gnn_bert", "text_hidden"),
        Experiment("gp", "kg_gnn_bert", "graph_hidden"),
    ],
    ids=lambda row: row.name,
)
def test_a_run_gives_both_errors_and_its_seed_counts(row: Experiment) -> None:
    people, known = random_histories(3, 30, 40, 60), small_movie_inputs()
    found = run_experiment(row, 1, tiny(), people, known)
    assert set(found) == {"val_rmse", "test_rmse"}
    assert all(0 < value < 4.5 for value in found.values())
    assert run_experiment(row, 1, tiny(), people, known) == found
    assert run_experiment(row, 2, tiny(), people, known) != found


def test_a_control_does_something() -> None:
    people, known = random_histories(3, 30, 40, 60), small_movie_inputs()
    plain = run_experiment(Experiment("attention", "kg_gnn_bert"), 1, tiny(), people, known)
    for control in ("history_shuffled", "ratings_hidden"):
        assert (
            run_experiment(Experiment("attention", "kg_gnn_bert", control), 1, tiny(), people, known) != plain
        )


def test_what_runs_share_follows_their_params_and_not_those_that_they_replace() -> None:
    given = tiny()
    shared = shared_params(given)
    model, train, gp = given.model, given.train, given.gp
    replaced = {
        "model": model.model_copy(update={"type": "transformer", "embedding": "text"}),
        "train": train.model_copy(update={"epochs": 77}),
        "gp": gp.model_copy(update={"epochs": 77}),
    }
    assert shared_params(given.model_copy(update=replaced)) == shared
    for section, key in (("model", "dropout"), ("train", "weight_decay"), ("ablation", "gp_epochs")):
        other = getattr(given, section).model_copy(update={key: 7})
        assert shared_params(given.model_copy(update={section: other})) != shared


def test_gp_cannot_hide_ratings() -> None:
    with pytest.raises(ParamError, match="ablation.gp_controls: expected controls that gp"):
        run_experiment(
            Experiment("gp", "text", "ratings_hidden"),
            1,
            tiny(),
            random_histories(3, 30, 40, 60),
            small_movie_inputs(),
        )


def test_the_rows_are_every_pair_and_the_controls() -> None:
    rows = list_experiments(load(AblationParams, ABLATION_FILE).ablation)
    names = [row.name for row in rows]
    assert len(set(names)) == len(names) == 3 * 5 + 2 * 2 + 3
    assert {"gp-random-none", "transformer-kg_gnn_bert-ratings_hidden"} <= set(names)
    hidden = next(row for row in rows if row.control == "text_hidden")
    assert (hidden.name, hidden.control_embedding) == ("gp-kg_gnn_bert-text_hidden", "kg_gnn")


def test_rows_are_collected_with_mean_and_spread(tmp_path: Path) -> None:
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
