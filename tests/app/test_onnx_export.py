"""The ONNX files predict as the raters do, without torch."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

import reelgraph
from reelgraph.app.bundle.new_user import UserRating, build_histories
from reelgraph.core.rating_scale import codes_to_stars, smallest_set
from reelgraph.raters.rater import Rater
from reelgraph.runtime.errors import InputError
from tests.helpers import bundle_samples

ROOT = Path(__file__).parents[2]
N_MOVIES = 40


NETWORKS = ("attention", "transformer")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Bundles with an ONNX file, by type of rater."""
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")):
        pytest.skip("ONNX needs the packages onnx, onnxscript and onnxruntime")
    bundles = {
        rater_type: bundle_samples.write_sample_bundle(tmp_path_factory.mktemp(rater_type), rater_type)
        for rater_type in ("gp", *NETWORKS)
    }
    # In a separate process: torch.export traces symbolic sizes, which the tests' shape checks reject.
    code = (
        "import sys; from pathlib import Path; from reelgraph.app.bundle import export, format\n"
        "for folder in map(Path, sys.argv[1:]): export.add_onnx(format.read_bundle(folder), folder)"
    )
    command = [sys.executable, "-c", code, *map(str, bundles.values())]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    return bundles


@pytest.fixture
def gp_bundle(bundles: dict[str, Path]) -> Path:
    return bundles["gp"]


def load_onnx(bundle: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])


def sample_users(lengths: tuple[int, ...], timed: bool) -> Iterator[tuple[list[UserRating], list[int]]]:
    """Yield a user's ratings for each length, with all other movies as targets."""
    rng = np.random.default_rng(len(lengths))
    for length in lengths:
        rows = rng.permutation(N_MOVIES).tolist()
        times = np.sort(10**9 + np.cumsum(rng.choice([0, 40, 5_000, 10**7], length)))
        stars = rng.integers(1, 11, length) / 2
        ratings = [
            UserRating(row, value, int(time) if timed else None)
            for row, value, time in zip(rows[:length], stars, times, strict=True)
        ]
        yield ratings, rows[length:]


@pytest.mark.parametrize("timed", [True, False])
def test_write_onnx_of_a_gaussian_process_predicts_as_the_bundle(gp_bundle: Path, timed: bool) -> None:
    bundle = reelgraph.load(gp_bundle)
    session = load_onnx(gp_bundle)
    context = bundle.contents.config.rater.gp.context_length
    unrated = range(N_MOVIES - bundle_samples.N_UNRATED, N_MOVIES)
    assert not bundle.rater.stats.count[unrated].any()
    lengths = (0, 1, 2, 9, context - 2, context - 1, context, context + 9)
    for ratings, targets in sample_users(lengths, timed):
        histories = build_histories(ratings, [0])
        arguments = (histories, histories.train_end, histories.test, np.array(targets))
        expected = next(iter(bundle.rater.score(*arguments, some_day=True))).prediction
        inputs = {
            "history": histories.movie_row[:-1].astype(np.int64),
            "stars": codes_to_stars(histories.half_star_code[:-1].astype(np.float32)),
            "time": histories.timestamp[:-1],
            "target": np.array(targets),
        }
        stars, probabilities, prediction_set = session.run(None, inputs)
        np.testing.assert_allclose(stars, expected.stars, atol=1e-5, rtol=0)
        np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-5, rtol=0)
        np.testing.assert_array_equal(prediction_set, smallest_set(probabilities, 0.8))


def test_inverse_inverts_covariance_matrices() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx_gp = pytest.importorskip("reelgraph.app.bundle.onnx_gp")
    rng = np.random.default_rng(0)
    session = onnxruntime.InferenceSession(onnx_gp.inverse.to_model_proto().SerializeToString())
    for size in (1, 2, 17, 127):
        factors = rng.normal(size=(size, 5))
        matrix = factors @ factors.T + 0.1 * np.eye(size)
        inverse = session.run(None, {"matrix": matrix})[0]
        np.testing.assert_allclose(inverse @ matrix, np.eye(size), atol=1e-9)


def test_build_model_raises_on_a_class_of_raters_without_an_export() -> None:
    onnx_export = pytest.importorskip("reelgraph.app.bundle.onnx_export")
    with pytest.raises(InputError, match="a rater with an ONNX export, got Mock"):
        onnx_export.build_model(Mock(spec=Rater))


def test_add_onnx_documents_the_file_without_local_paths(gp_bundle: Path) -> None:
    session = load_onnx(gp_bundle)
    assert {value.name: value.shape for value in session.get_inputs()} == {
        "history": ["history"],
        "stars": ["history"],
        "time": ["history"],
        "target": ["targets"],
    }
    assert {value.name: value.shape for value in session.get_outputs()} == {
        "predicted": ["targets"],
        "probabilities": ["targets", 10],
        "prediction_set": ["targets", 10],
    }
    description = session.get_modelmeta().description
    assert all(f"{value.name}: " in description for value in session.get_inputs())
    content = (gp_bundle / "model.onnx").read_bytes()
    assert str(ROOT).encode() not in content
    card = (gp_bundle / "README.md").read_text(encoding="utf-8")
    assert f"`model.onnx` ({len(content):,} bytes)" in card


def test_onnx_example_of_the_docs_runs(gp_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/predict.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import numpy.*?)```", text, re.S)
    monkeypatch.chdir(gp_bundle.parent)
    variables: dict[str, Any] = {}
    exec(example, variables)
    history = [(100, 4.5), (104, 2.0), (110, 3.5)]
    expected = reelgraph.load(gp_bundle).predict(history, [101, 105])
    np.testing.assert_allclose(variables["predicted"], [movie.stars for movie in expected], atol=1e-5)


@pytest.mark.parametrize("rater_type", NETWORKS)
def test_write_onnx_of_a_network_predicts_as_the_bundle(bundles: dict[str, Path], rater_type: str) -> None:
    bundle = bundles[rater_type]
    session = load_onnx(bundle)
    rater = reelgraph.load(bundle).rater
    for length, targets in ((0, [1]), (1, [4, 5]), (7, [1, 2, 3]), (20, list(range(20)))):
        ratings = [UserRating(39 - index, (index % 10 + 1) / 2) for index in range(length)]
        histories = build_histories(ratings, targets)
        expected = rater.predict(histories, histories.offsets[:-1], histories.test).stars
        padding = 3
        shape = (len(targets), padding + length)
        history = np.zeros(shape, np.int64)
        stars = np.zeros(shape, np.float32)
        history[:, padding:] = histories.movie_row[:length]
        stars[:, padding:] = codes_to_stars(histories.half_star_code[:length].astype(np.float32))
        mask = np.tile(np.arange(padding + length) >= padding, (len(targets), 1))
        inputs = {"history": history, "stars": stars, "mask": mask, "target": np.array(targets)}
        np.testing.assert_allclose(session.run(None, inputs)[0], expected, atol=1e-5)
