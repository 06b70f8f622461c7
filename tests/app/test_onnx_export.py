"""ONNX says what the rater says, without torch."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reelgraph
from reelgraph.app.bundle.new_user import UserRating, build_histories
from tests.helpers import bundle_samples

ROOT = Path(__file__).parents[2]
MOVIES = 40


def written(folder: Path, kind: str) -> Path:
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")):
        pytest.skip("ONNX needs the packages onnx, onnxscript and onnxruntime")
    bundle = bundle_samples.write_sample_bundle(folder, kind)
    # In a process of its own: torch traces lengths that are no int, which shape checks refuse.
    code = (
        "from pathlib import Path; from reelgraph.app.bundle import contents, exporting; "
        f"folder = Path({str(bundle)!r}); exporting.add_onnx(contents.read_bundle(folder), folder)"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    return bundle


@pytest.fixture(scope="module")
def gp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("gp"), "gp")


def session(bundle: Path) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(bundle / "model.onnx", providers=["CPUExecutionProvider"])


def people_of(lengths: tuple[int, ...], timed: bool) -> Iterator[tuple[list[UserRating], list[int]]]:
    """Draw somebody's ratings, and all other movies as targets."""
    draw = np.random.default_rng(len(lengths))
    for length in lengths:
        rows = draw.permutation(MOVIES).tolist()
        times = np.sort(10**9 + np.cumsum(draw.choice([0, 40, 5_000, 10**7], length)))
        given = zip(rows[:length], draw.integers(1, 11, length) / 2, times, strict=True)
        yield [UserRating(row, stars, int(at) if timed else None) for row, stars, at in given], rows[length:]


@pytest.mark.parametrize("timed", [True, False])
def test_onnx_of_a_gaussian_process_predicts_what_the_bundle_does(gp: Path, timed: bool) -> None:
    bundle, run = reelgraph.load(gp), session(gp).run
    window, unrated = (
        bundle.contents.config.rater.gp.context_length,
        range(MOVIES - bundle_samples.UNRATED, MOVIES),
    )
    assert not bundle.rater.stats.count[unrated].any()
    for rated, targets in people_of((0, 1, 2, 9, window - 2, window - 1, window, window + 9), timed):
        people = build_histories(rated, targets)
        expected = bundle.rater.predict(people, people.train_end, people.test)
        stars, probabilities = run(None, {
            "history": np.array([each.row for each in rated], np.int64),
            "stars": np.array([each.stars for each in rated], np.float32),
            "time": people.timestamp[: len(rated)],
            "target": np.array(targets),
        })  # fmt: skip
        np.testing.assert_allclose(stars, expected.stars, atol=1e-5, rtol=0)
        np.testing.assert_allclose(probabilities, expected.probabilities, atol=1e-5, rtol=0)


def test_a_pivot_a_step_inverts_any_covariance() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    onnx_gp, draw = pytest.importorskip("reelgraph.app.bundle.onnx_export"), np.random.default_rng(0)
    file = onnxruntime.InferenceSession(onnx_gp.inverse.to_model_proto().SerializeToString())
    for size in (1, 2, 17, 127):
        factors = draw.normal(size=(size, 5))
        matrix = factors @ factors.T + 0.1 * np.eye(size)
        np.testing.assert_allclose(file.run(None, {"matrix": matrix})[0] @ matrix, np.eye(size), atol=1e-9)


def test_the_file_says_what_it_reads_and_nothing_of_the_machine(gp: Path) -> None:
    file = session(gp)
    assert {each.name: each.shape for each in file.get_inputs()} == {
        "history": ["history"], "stars": ["history"], "time": ["history"], "target": ["targets"]
    }  # fmt: skip
    assert [(each.name, each.shape) for each in file.get_outputs()] == [
        ("predicted", ["targets"]), ("probabilities", ["targets", 10])
    ]  # fmt: skip
    assert all(f"{each.name}: " in file.get_modelmeta().description for each in file.get_inputs())
    assert str(ROOT).encode() not in (gp / "model.onnx").read_bytes()
    size = (gp / "model.onnx").stat().st_size
    assert f"`model.onnx` ({size:,} bytes)" in (gp / "README.md").read_text(encoding="utf-8")


def test_the_docs_example_runs(gp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs/predict.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import numpy.*?)```", text, re.S)
    monkeypatch.chdir(gp.parent)
    found: dict[str, Any] = {}
    exec(example, found)
    history = list(zip([100, 104, 110], [4.5, 2.0, 3.5], strict=True))
    expected = reelgraph.load(gp).predict(history, [101, 105])
    np.testing.assert_allclose(found["predicted"], [each.stars for each in expected], atol=1e-5)


@pytest.mark.parametrize("kind", ["attention", "transformer"])
def test_onnx_of_a_network_gives_the_same_stars(tmp_path: Path, kind: str) -> None:
    bundle = written(tmp_path, kind)
    run, rater = session(bundle).run, reelgraph.load(bundle).rater
    for count, targets in ((0, [1]), (1, [4, 5]), (7, [1, 2, 3]), (20, list(range(20)))):
        rated = [UserRating(39 - at, (at % 10 + 1) / 2) for at in range(count)]
        people = build_histories(rated, targets)
        expected = rater.predict(people, people.offsets[:-1], people.test).stars
        width = count + 3  # padded in front, as in a batch with longer histories
        history, stars = (
            np.zeros((len(targets), width), np.int64),
            np.zeros((len(targets), width), np.float32),
        )
        history[:, 3:], stars[:, 3:] = [r.row for r in rated], [r.stars for r in rated]
        mask = np.tile(np.arange(width) >= 3, (len(targets), 1))
        given = {"history": history, "stars": stars, "mask": mask, "target": np.array(targets)}
        np.testing.assert_allclose(run(None, given)[0], expected, atol=1e-5)
