"""The rater on another device than the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reelgraph.core.torch_setup import CPU
from reelgraph.raters.gp import movie_factors
from reelgraph.raters.gp import rater as gp_rater
from reelgraph.raters.gp.append_movies import append_movies
from reelgraph.raters.gp.fitting import fit
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.io import restore_rater
from reelgraph.raters.rater import Epoch, MovieInputs
from reelgraph.runtime.checkpointing import CheckpointDir
from reelgraph.runtime.safetensors_io import read_tensors
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params
from tests.helpers.second_device import second_device

TOLERANCE = 2e-3
"""Of predictions, stars: a GPU sums in another order, and the training amplifies it."""


@pytest.fixture(params=["second", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    """A GPU where there is one, and a device of tests everywhere."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("torch finds no GPU")
        yield torch.device("cuda")
        return
    adam = torch.optim.Adam

    def unfused_adam(*args: Any, fused: bool, **kwargs: Any) -> torch.optim.Adam:
        return adam(*args, **kwargs)  # torch fuses it on devices that it knows

    monkeypatch.setattr(torch.optim, "Adam", unfused_adam)
    monkeypatch.setattr(movie_factors, "parallel_map", lambda function, items: [*map(function, items)])
    with second_device() as second:
        yield second


def fit_small(
    histories: UserHistories, content: MovieContent, device: torch.device, folder: Path | None = None
) -> tuple[GpRater, list[Epoch]]:
    epochs: list[Epoch] = []
    fit_end = histories.fit_end("train")
    checkpoints = CheckpointDir(folder)
    rater = fit(histories, fit_end, content, small_rater_params("gp"), epochs.append, checkpoints, device)
    return rater, epochs


def predict_all(rater: GpRater, histories: UserHistories) -> dict[str, np.ndarray]:
    """Return all kinds of predictions."""
    fit_end = histories.fit_end("train")
    index = histories.test
    plain = rater.predict(histories, fit_end, index)
    masked = rater.predict(histories, fit_end, index, mask_content=True)
    arrays = {"stars": plain.stars, "probabilities": plain.probabilities, "masked": masked.stars}
    rows = np.array([3, 0, 7])
    for some_day in (False, True):
        for movies in (None, rows):
            scores = next(rater.score(histories, fit_end, index[:1], movies, some_day))
            name = f"{some_day} {movies is None}"
            arrays[f"scores {name}"] = scores.prediction.probabilities
            attributions = scores.attributions(np.array([1, 2]))
            arrays[f"attributions {name}"] = np.stack([part.contribution for part in attributions])
        if some_day:
            arrays["user"] = np.array([scores.user.level, scores.user.drift])
    return arrays | {"vectors": rater.movie_vectors()}


def test_a_device_fits_and_predicts_as_the_cpu_does(
    user_histories: UserHistories, content: MovieContent, device: torch.device
) -> None:
    cpu_rater, cpu_epochs = fit_small(user_histories, content, CPU)
    rater, epochs = fit_small(user_histories, content, device)
    weights = [*rater.gp.parameters(), *rater.gp.buffers(), *rater.heads.parameters(), *rater.heads.buffers()]
    assert {tensor.device.type for tensor in weights} == {device.type}
    assert [epoch.val_rmse for epoch in epochs] == pytest.approx(
        [e.val_rmse for e in cpu_epochs], abs=TOLERANCE
    )
    expected = predict_all(cpu_rater, user_histories)
    for name, values in predict_all(rater, user_histories).items():
        np.testing.assert_allclose(values, expected[name], atol=TOLERANCE, err_msg=name)


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")  # the second device does copy
def test_a_rater_of_a_device_is_saved_for_the_cpu(
    user_histories: UserHistories, content: MovieContent, device: torch.device, tmp_path: Path
) -> None:
    params = small_rater_params("gp")
    rater, epochs = fit_small(user_histories, content, device, tmp_path)
    again, epochs_again = fit_small(user_histories, content, device, tmp_path)  # from the cached process
    for cached in tmp_path.glob("process-*"):
        cached.unlink()
    resumed, resumed_epochs = fit_small(user_histories, content, device, tmp_path)  # from the last epoch
    assert epochs == epochs_again == resumed_epochs
    file = tmp_path / "rater.safetensors"
    rater.save(file)
    loaded = restore_rater(params.config(), str(file), lambda: np.zeros(0), CPU)
    assert isinstance(loaded, GpRater)
    assert loaded.gp.device == CPU
    loaded_there = gp_rater.restore_rater(read_tensors(file), params.model, params.gp, device)
    assert loaded_there.gp.device.type == device.type
    expected = predict_all(rater, user_histories)
    for other in (again, resumed, loaded, loaded_there):
        for name, values in predict_all(other, user_histories).items():
            np.testing.assert_allclose(values, expected[name], atol=TOLERANCE, err_msg=name)


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
def test_append_movies_keeps_the_device(
    user_histories: UserHistories, content: MovieContent, device: torch.device
) -> None:
    rater, _ = fit_small(user_histories, content, device)
    movies = small_movie_inputs()
    last = len(movies.year) - 1
    graph = replace(movies.graph, movie_ids=np.append(movies.graph.movie_ids, 999))
    columns = (np.concatenate([values, values[last:]]) for values in (movies.vectors, movies.text))
    extended = append_movies(rater, MovieInputs(*columns, graph, np.append(movies.year, 1999.0)))
    tensors = [*extended.gp.parameters(), *extended.gp.buffers()]
    assert {tensor.device.type for tensor in tensors} == {device.type}
    index = user_histories.test
    fit_end = user_histories.fit_end("train")
    before = rater.predict(user_histories, fit_end, index).stars
    after = extended.predict(user_histories, fit_end, index).stars
    np.testing.assert_allclose(after, before, atol=TOLERANCE)
