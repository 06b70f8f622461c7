"""What every rater owes its users, whatever its architecture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from reelgraph.core.schemas.tables import CATALOG
from reelgraph.core.schemas.vectors import write_vectors
from reelgraph.evaluation.io import predict_targets
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import FitResult, fit_rater
from reelgraph.raters.io import load_rater
from reelgraph.raters.names import rater_names
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.network_rater import NetworkRater, build_network
from reelgraph.raters.networks.transformer import TransformerRater
from reelgraph.raters.rater import Rater, mask_target_movies
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.errors import ArtifactError
from reelgraph.runtime.safetensors_io import write_tensors
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.isolated_targets import isolate_targets
from tests.helpers.history_strategies import (
    SPLITS,
    assert_unknown_ratings_do_not_matter,
    random_histories,
    with_changed_ratings,
)
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params


@pytest.fixture(scope="module", params=SPLITS)
def people(request: pytest.FixtureRequest) -> UserHistories:
    return random_histories(3, 30, MOVIES, 60, request.param)


@pytest.fixture(scope="module", params=rater_names())
def params(request: pytest.FixtureRequest) -> TrainRaterParams:
    return small_rater_params(request.param)


@pytest.fixture(scope="module")
def fitted(params: TrainRaterParams, people: UserHistories) -> FitResult:
    return fit_rater(params, people, small_movie_inputs())


@pytest.fixture
def rater(fitted: FitResult) -> Rater:
    return fitted.train


def predicted_stars(rater: Rater, people: UserHistories, index: np.ndarray | None = None) -> np.ndarray:
    index = np.arange(len(people.half_star_code)) if index is None else index
    return rater.predict(people, people.fit_end("train"), index).stars


def with_codes(people: UserHistories, codes: np.ndarray) -> UserHistories:
    return UserHistories(**{**people.__dict__, "half_star_code": codes.astype(np.uint8)})


def test_predictions_are_finite_and_on_the_scale(rater: Rater, people: UserHistories) -> None:
    predicted = predicted_stars(rater, people)
    assert predicted.dtype == np.float64
    assert np.isfinite(predicted).all()
    assert predicted.min() >= 0.5
    assert predicted.max() <= 5.0


def test_probabilities_are_a_distribution_whose_mean_is_the_prediction(
    rater: Rater, people: UserHistories
) -> None:
    result = rater.predict(people, people.fit_end("train"), people.test)
    if result.probabilities is None:
        return
    np.testing.assert_allclose(result.probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(result.probabilities @ (np.arange(1, 11) / 2), result.stars, atol=1e-9)


def test_batch_size_order_and_padding_do_not_matter(rater: Rater, people: UserHistories) -> None:
    index = np.concatenate([people.test, people.val, people.offsets[:-1]])
    together = predicted_stars(rater, people, index)
    np.testing.assert_allclose(predicted_stars(rater, people, index[::-1].copy()), together[::-1], atol=1e-5)
    single = np.concatenate(
        [predicted_stars(rater, people, index[i : i + 1]) for i in range(0, len(index), 7)]
    )
    np.testing.assert_allclose(together[::7], single, atol=1e-5)


def test_all_targets_at_once_are_predicted_as_one_kind_after_the_other(
    fitted: FitResult, people: UserHistories
) -> None:
    val, test = predict_targets({"train": fitted.train, "train_val": fitted.train_val}, people)
    for result, rater, rows, index in ((val, fitted.train, "train", people.val),
                                      (test["train"], fitted.train, "train", people.test),
                                      (test["train_val"], fitted.train_val, "train_val", people.test)):  # fmt: skip
        single = rater.predict(people, people.fit_end(rows), index)
        np.testing.assert_allclose(result.stars, single.stars, atol=1e-5)
        if single.probabilities is not None:
            np.testing.assert_allclose(result.probabilities, single.probabilities, atol=1e-5)


def test_what_is_neither_fitted_nor_in_the_history_does_not_matter(
    fitted: FitResult, people: UserHistories
) -> None:
    for rows, targets in (("train", [*people.val[::9], *people.test[::9]]), ("train_val", people.test[::9])):
        rater = getattr(fitted, rows)
        for target in targets:
            # Running sums over all users round otherwise, so not to the last bit.
            assert_unknown_ratings_do_not_matter(
                lambda *inputs, rater=rater: rater.predict(*inputs).stars, people, rows, int(target), 1e-6
            )


@pytest.mark.parametrize("split", ["leave_last_out", "cold_movies"])
def test_fit_rater_learns_nothing_of_test_targets(
    params: TrainRaterParams, split: str, tmp_path: Path
) -> None:
    people = random_histories(3, 20, MOVIES, 60, split)
    other = with_changed_ratings(people, np.isin(np.arange(len(people.movie_row)), people.test))
    for name, inputs in (("a", people), ("b", other)):
        fit_rater(params, inputs, small_movie_inputs()).train_val.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_history_does_matter(rater: Rater, people: UserHistories) -> None:
    other = with_codes(people, 11 - people.half_star_code)
    assert (predicted_stars(rater, people, people.val) != predicted_stars(rater, other, people.val)).all()


def test_a_target_apart_is_predicted_as_among_everybody(fitted: FitResult, people: UserHistories) -> None:
    for rows, index in (("train", people.val), ("train", people.test), ("train_val", people.test)):
        rater = getattr(fitted, rows)
        end = people.fit_end(rows)
        cases = isolate_targets(people, end, index)
        result = rater.predict(cases, cases.train_end, cases.test).stars
        np.testing.assert_allclose(result, rater.predict(people, end, index).stars, atol=1e-5)


@pytest.mark.parametrize("split", ["given", "global_time"])
def test_targets_of_new_users_apart_and_their_scores_under_other_splits(rater: Rater, split: str) -> None:
    new_users = random_histories(4, 12, MOVIES, 60, split)
    nobody, index = new_users.offsets[:-1], new_users.test[::3]
    predictions, cases = (
        rater.predict(new_users, nobody, index).stars,
        isolate_targets(new_users, nobody, index),
    )
    np.testing.assert_allclose(
        rater.predict(cases, cases.train_end, cases.test).stars, predictions, atol=1e-5
    )
    for score, movie, one in zip(
        rater.score(new_users, nobody, index), new_users.movie_row[index], predictions, strict=True
    ):
        assert score.prediction.stars[movie] == pytest.approx(one, abs=1e-5)


def test_scores_are_predictions_in_the_targets_place(rater: Rater, people: UserHistories) -> None:
    cases = isolate_targets(people, people.fit_end("train"), people.test[:3])
    scores = [scored.prediction for scored in rater.score(cases, cases.train_end, cases.test)]
    assert [scored.stars.shape for scored in scores] == [(MOVIES,)] * 3
    for movie in range(MOVIES):
        placed = np.where(cases.is_history, cases.movie_row, movie).astype(np.int32)
        predictions = rater.predict(replace(cases, movie_row=placed), cases.train_end, cases.test)
        np.testing.assert_allclose([scored.stars[movie] for scored in scores], predictions.stars, atol=1e-5)
        for scored, one in zip(
            scores,
            predictions.probabilities if predictions.probabilities is not None else (),
            strict=False,
        ):
            np.testing.assert_allclose(scored.probabilities[movie], one, atol=1e-5)


def test_scores_of_some_movies_are_those_of_all(rater: Rater, people: UserHistories) -> None:
    cases, movie_rows = (
        isolate_targets(people, people.fit_end("train"), people.test[:3]),
        np.array([7, 39, 0, 8]),
    )
    arguments = cases, cases.train_end, cases.test
    for few, every in zip(rater.score(*arguments, movie_rows), rater.score(*arguments), strict=True):
        np.testing.assert_allclose(few.prediction.stars, every.prediction.stars[movie_rows], atol=1e-6)
        for one, other in zip(
            few.attributions(np.array([2, 1])), every.attributions(movie_rows[[2, 1]]), strict=True
        ):
            assert one.rating.tolist() == other.rating.tolist()
            np.testing.assert_allclose(one.contribution, other.contribution, atol=1e-5)


def test_scores_of_other_movies_for_each_target(rater: Rater, people: UserHistories) -> None:
    cases = isolate_targets(people, people.fit_end("train"), people.test[:3])
    movies = np.array([[7, 39, 0], [3, 2, 1], [5, 5, 12]])
    arguments = cases, cases.train_end, cases.test
    for rows, few, every in zip(
        movies, rater.score(*arguments, movies), rater.score(*arguments), strict=True
    ):
        np.testing.assert_allclose(few.prediction.stars, every.prediction.stars[rows], atol=1e-6)


def test_scores_of_an_empty_history(rater: Rater, people: UserHistories) -> None:
    first = people.offsets[:1]
    result = next(rater.score(people, people.offsets[:-1], first)).prediction.stars
    predictions = rater.predict(people, people.offsets[:-1], first).stars
    assert result[people.movie_row[first[0]]] == pytest.approx(predictions[0], abs=1e-5)


def test_predict_with_masked_content_changes_predictions_and_not_the_rater(
    rater: Rater, people: UserHistories
) -> None:
    cases = isolate_targets(people, people.fit_end("train"), people.test)
    plain = rater.predict(cases, cases.train_end, cases.test).stars
    masked = rater.predict(cases, cases.train_end, cases.test, mask_content=True).stars
    assert (np.abs(masked - plain) > 1e-6).mean() > 0.9
    assert np.abs(masked - plain).max() < 2
    np.testing.assert_array_equal(rater.predict(cases, cases.train_end, cases.test).stars, plain)


def test_mask_target_movies_leaves_the_histories(people: UserHistories) -> None:
    cases = isolate_targets(people, people.fit_end("train"), people.test)
    masked = mask_target_movies(cases, cases.test, MOVIES)
    assert (masked.movie_row[cases.test] == cases.movie_row[cases.test] + MOVIES).all()
    assert (masked.movie_row[cases.is_history] == cases.movie_row[cases.is_history]).all()


def test_reasons_are_ratings_of_the_history(rater: Rater, people: UserHistories) -> None:
    index = np.concatenate([people.val, people.test])[::4]
    for target, scores in zip(index, rater.score(people, people.fit_end("train"), index), strict=True):
        (why,) = scores.attributions(people.movie_row[[target]].astype(np.int64))
        assert len(why.rating) == len(why.contribution)
        assert np.isfinite(why.contribution).all()
        assert (people.users_of(why.rating) == people.users_of(np.array([target]))).all()
        assert (why.rating < people.history_end(np.array([target]))).all()


def test_an_empty_history_is_predicted(rater: Rater, people: UserHistories) -> None:
    first = people.offsets[:-1]
    assert np.isfinite(predicted_stars(rater, people, first)).all()
    assert predicted_stars(rater, people, np.zeros(0, np.int64)).shape == (0,)


@pytest.mark.parametrize("people", ["leave_last_out"], indirect=True)
def test_all_equal_ratings_and_tied_times_are_fitted(params: TrainRaterParams, people: UserHistories) -> None:
    same = UserHistories(**{**people.__dict__, "half_star_code": np.full_like(people.half_star_code, 8),
                        "timestamp": np.zeros_like(people.timestamp)})  # fmt: skip
    predicted = predicted_stars(fit_rater(params, same, small_movie_inputs()).train, same)
    assert np.isfinite(predicted).all()


def test_new_users_are_predicted_from_their_history_alone(rater: Rater, people: UserHistories) -> None:
    nobody = people.offsets[:-1]
    assert np.isfinite(rater.predict(people, nobody, people.test).stars).all()


@pytest.mark.parametrize("people", ["leave_last_out"], indirect=True)
def test_same_seed_same_weights(
    fitted: FitResult, params: TrainRaterParams, people: UserHistories, tmp_path: Path
) -> None:
    fitted.train_val.save(tmp_path / "a.safetensors")
    fit_rater(params, people, small_movie_inputs()).train_val.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def write_run(fitted: FitResult, params: TrainRaterParams, folder: Path) -> str:
    """Write rater and movies as the stages do; return the data folder."""
    import pyarrow as pa

    from reelgraph.runtime.atomic_io import write_parquet

    movie_inputs = small_movie_inputs()
    row = {c.name_in_file: [None] * MOVIES for c in CATALOG.columns} | {
        "movieId": movie_inputs.graph.movie_ids
    }
    write_parquet(pa.table(row).cast(CATALOG.file_schema), folder / "movies.parquet")
    write_vectors(
        movie_inputs.graph.movie_ids, movie_inputs.vectors, folder / f"emb_{params.model.embedding}.parquet"
    )
    for name in ("train", "train_val"):
        getattr(fitted, name).save(folder / "rater" / f"{name}.safetensors")
    write_json(params.config().to_json(), folder / "rater" / "config.json")
    return str(folder)


def test_save_and_load_give_equal_bytes_and_predictions(
    fitted: FitResult, params: TrainRaterParams, people: UserHistories, tmp_path: Path
) -> None:
    data = write_run(fitted, params, tmp_path)
    loaded = load_rater(f"{data}/rater", "train", data)
    loaded.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (
        tmp_path / "rater/train.safetensors"
    ).read_bytes()
    assert (predicted_stars(loaded, people) == predicted_stars(fitted.train, people)).all()
    assert loaded.parameter_count == fitted.train.parameter_count


def test_weights_that_do_not_fit_are_refused(
    fitted: FitResult, params: TrainRaterParams, tmp_path: Path
) -> None:
    data = write_run(fitted, params, tmp_path)
    write_tensors({"other": torch.ones(1)}, tmp_path / "rater/train.safetensors")
    with pytest.raises(ArtifactError, match=f"weights of the rater {params.model.type}, got"):
        load_rater(f"{data}/rater", "train", data)
    (tmp_path / "rater/train.safetensors").write_bytes(b"not weights")
    with pytest.raises(ArtifactError, match="train.safetensors"):
        load_rater(f"{data}/rater", "train", data)
    (tmp_path / "rater/config.json").write_text("{}")
    with pytest.raises(ArtifactError, match="model is missing; gp is missing"):
        load_rater(f"{data}/rater", "train", data)


def test_the_reference_has_181_762_parameters() -> None:
    config = small_rater_params("attention", hidden_dim=128).config()
    network = build_network(AttentionRater, config, np.ones((3, 300), np.float32))
    assert NetworkRater(network, 30).parameter_count == 181_762


def test_the_transformer_reads_positions_from_the_end() -> None:
    torch.manual_seed(0)
    vectors = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    network = build_network(TransformerRater, small_rater_params("transformer").config(), vectors)
    people = random_histories(1, 3, 9, 30)
    swapped = people.movie_row.copy(), people.half_star_code.copy()
    for values in swapped:
        last = people.val - 1
        values[last], values[last - 1] = values[last - 1].copy(), values[last].copy()
    other = UserHistories(**{**people.__dict__, "movie_row": swapped[0], "half_star_code": swapped[1]})
    rater = NetworkRater(network.eval(), 30)
    assert (predicted_stars(rater, people, people.val) != predicted_stars(rater, other, people.val)).any()
