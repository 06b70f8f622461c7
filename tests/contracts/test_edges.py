"""The edges of what raters, baselines and the GNN are asked: nobody, nothing, always the same, not a number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reelgraph.baselines.registry import load_baseline
from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.gnn.bpr import train_bpr
from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import train_on_all_edges
from reelgraph.params.base import load
from reelgraph.params.evaluation import BaselineParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.rater import Rater
from reelgraph.runtime.errors import TrainingError
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.graphs import gnn_params, random_graph
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params

KINDS = ("gp", "attention", "transformer")
BASELINES = load(BaselineParams).baselines

UNRATED = MOVIES - 1
"""In no entity, without a year, and rated by nobody."""


def crowd(split: str = "leave_last_out") -> UserHistories:
    """People who rate all movies but the last."""
    made = random_histories(8, 20, MOVIES - 1, 40, split)
    assert UNRATED not in made.movie_row
    return made


@pytest.fixture(scope="module", params=[*KINDS, *BASELINES])
def model(request: pytest.FixtureRequest):
    """Predict the ratings at some places, fitted on the training rows of the crowd."""
    people, name = crowd(), request.param
    if name in BASELINES:
        predict = load_baseline(name, BASELINES[name])
        return lambda histories, index: predict(histories, histories.fit_end("train"), index)
    rater: Rater = fit_rater(small_rater_params(name), people, small_movie_inputs()).train
    return lambda histories, index: rater.predict(histories, histories.fit_end("train"), index).stars


def check_predictions(predictions: np.ndarray, count: int) -> None:
    assert predictions.shape == (count,)
    assert predictions.dtype == np.float64
    assert np.isfinite(predictions).all()
    assert predictions.min() >= 0.5
    assert predictions.max() <= 5.0


class TestPredictions:
    def test_a_movie_that_nobody_rated(self, model) -> None:
        people = crowd()
        rows = people.movie_row.copy()
        rows[people.test] = UNRATED
        check_predictions(model(replace(people, movie_row=rows), people.test), len(people.test))

    def test_a_person_of_whom_nothing_was_fitted(self, model) -> None:
        people = crowd()
        start = people.offsets[:-1]
        new = replace(people, train_end=np.append(people.train_end[:-1], start[-1]),
                      train=people.train[people.users_of(people.train) < len(start) - 1])  # fmt: skip
        check_predictions(model(new, people.test[-1:]), 1)

    def test_a_history_of_one_and_of_none(self, model) -> None:
        people = crowd()
        for new_rows in (people.offsets[:-1], people.offsets[:-1] + 1):
            check_predictions(model(people, new_rows), len(new_rows))

    def test_a_person_who_always_gives_the_same(self, model) -> None:
        people = crowd()
        for code in (1, 10):
            codes = people.half_star_code.copy()
            codes[people.offsets[-2] :] = code
            check_predictions(model(replace(people, half_star_code=codes), people.test), len(people.test))

    def test_nobody_is_asked(self, model) -> None:
        people = crowd()
        well_shaped = model(people, np.zeros(0, np.int64))
        assert well_shaped.shape == (0,)

    def test_order_and_company_do_not_matter(self, model) -> None:
        people = crowd()
        index = np.concatenate([people.test, people.val, people.offsets[:-1]])
        together = model(people, index)
        np.testing.assert_allclose(model(people, index[::-1].copy()), together[::-1], atol=1e-6)
        single = [model(people, index[i : i + 1])[0] for i in range(0, len(index), 5)]
        np.testing.assert_allclose(single, together[::5], atol=1e-6)

    def test_strides_do_not_matter(self, model) -> None:
        people = crowd()
        strided = {name: np.repeat(values, 2)[::2] for name, values in vars(people).items()}
        index = np.repeat(people.test, 2)[::2]
        assert (model(UserHistories(**strided), index) == model(people, people.test)).all()

    def test_later_ratings_do_not_matter(self, model) -> None:
        people = crowd()
        codes = people.half_star_code.copy()
        codes[people.test] = 11 - codes[people.test]
        other = replace(people, half_star_code=codes)
        np.testing.assert_allclose(model(other, people.val), model(people, people.val), atol=1e-6)
        np.testing.assert_allclose(model(other, people.test), model(people, people.test), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
class TestTraining:
    def test_vectors_that_are_no_numbers_stop_it(self, kind: str) -> None:
        movie_inputs = small_movie_inputs()
        broken = movie_inputs.vectors.copy()
        broken[20] = np.inf
        for name in ("vectors", "text"):
            with pytest.raises(TrainingError, match=r", row 21: expected finite numbers, got NaN or inf"):
                fit_rater(
                    small_rater_params(kind),
                    crowd(),
                    replace(movie_inputs, **{name: broken}),
                )

    def test_no_validation_target(self, kind: str) -> None:
        nobody = replace(crowd(), val=np.zeros(0, np.int64))
        with pytest.raises(
            TrainingError, match="expected validation targets, got none. Add ratings, or lower"
        ):
            fit_rater(small_rater_params(kind), nobody, small_movie_inputs())

    def test_vectors_in_another_order_of_memory(self, kind: str) -> None:
        movie_inputs = small_movie_inputs()
        turned = replace(
            movie_inputs,
            vectors=np.asfortranarray(movie_inputs.vectors),
            text=np.repeat(movie_inputs.text, 2, 0)[::2],
        )
        people = crowd()
        first, other = (
            fit_rater(small_rater_params(kind), people, inputs).train.predict(
                people, people.fit_end("train"), people.test
            )
            for inputs in (movie_inputs, turned)
        )
        assert (first.stars == other.stars).all()


@pytest.mark.parametrize("kind", ["attention", "transformer"])
def test_a_step_too_long_stops_it_at_the_place(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # AdamW's steps are of bounded length: SGD's are not.
    monkeypatch.setattr(
        "reelgraph.raters.networks.trainer.AdamW",
        lambda weights, rate, **_: torch.optim.SGD(weights, 1e12),
    )
    raw_params = small_rater_params(kind).model_dump()
    raw_params["train"] |= {"clip_norm": 1e30}
    with pytest.raises(TrainingError, match=r"^epoch \d+"):
        fit_rater(TrainRaterParams.model_validate(raw_params), crowd(), small_movie_inputs())


def permuted(
    graph: KnowledgeGraph, features: np.ndarray, seed: int
) -> tuple[KnowledgeGraph, np.ndarray, np.ndarray]:
    """Number the movies and the entities anew; return where each movie went, too."""
    draw = np.random.default_rng(seed)
    new_rows = draw.permutation(len(graph.movie_ids))
    relations = {}
    for kind, relation in graph.relations.items():
        moved = draw.permutation(len(relation.entity_names))
        rows, ends = new_rows[relation.movie_rows], moved[relation.entity_index]
        order = np.lexsort((ends, rows))
        back = np.argsort(moved)
        relations[kind] = Relation(tuple(relation.entity_names[i] for i in back), relation.entity_vectors[back],
                                   rows[order], ends[order])  # fmt: skip
    back = np.argsort(new_rows)
    return KnowledgeGraph(graph.movie_ids[back], relations), features[back], new_rows


@pytest.fixture(scope="module")
def graph() -> KnowledgeGraph:
    return random_graph(20, 6)


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(9).normal(size=(20, 5)).astype(np.float32)


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
class TestGnn:
    def trained(self, loss: str, graph: KnowledgeGraph, features: np.ndarray, **changed: object):
        params = gnn_params(loss=loss, epochs=3, **changed)
        if loss == "softmax":
            return train_on_all_edges(graph, features, params, 3, 1)
        return train_bpr(to_hetero_data(graph, features), params, 1)

    def forward(self, loss: str, model, graph: KnowledgeGraph, features: np.ndarray) -> np.ndarray:
        from reelgraph.gnn.bpr import sage_inputs

        with torch.inference_mode():
            if loss == "softmax":
                return model(prepare_inputs(to_hetero_data(graph, features))).movies.numpy()
            return model(*sage_inputs(to_hetero_data(graph, features)))[0].numpy()

    def test_other_numbers_for_the_nodes_are_other_rows(self, loss: str, graph, features) -> None:
        model = self.trained(loss, graph, features).model
        moved, its_features, new_rows = permuted(graph, features, 3)
        vectors_of_moved = self.forward(loss, model, moved, its_features)
        np.testing.assert_allclose(
            vectors_of_moved[new_rows], self.forward(loss, model, graph, features), atol=1e-5
        )

    def test_a_movie_without_an_edge_has_a_vector(self, loss: str, graph, features) -> None:
        assert 19 not in np.concatenate([inputs.movie_rows for inputs in graph.relations.values()])
        assert np.isfinite(self.trained(loss, graph, features).embeddings[19]).all()

    def test_features_that_are_no_numbers_stop_it(self, loss: str, graph, features) -> None:
        broken = features.copy()
        broken[3] = np.nan
        with pytest.raises(TrainingError, match="epoch 1: expected a finite loss, got nan"):
            self.trained(loss, graph, broken)

    def test_features_too_large_stop_it_with_the_epoch(self, loss: str, graph, features) -> None:
        with pytest.raises(TrainingError, match=r"epoch \d: expected a finite loss, got"):
            self.trained(loss, graph, features * 1e38)
