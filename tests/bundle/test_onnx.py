"""ONNX says what the network says; a Gaussian process is refused, with the reason."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reelgraph.bundle.onnx_export import write_onnx
from reelgraph.bundle.person import Rated, histories_of
from reelgraph.errors import InputError
from tests.bundle import samples

ROOT = str(Path(__file__).parents[2])


@pytest.mark.parametrize("kind", ["attention", "transformer"])
def test_onnx_gives_the_same_stars(tmp_path: Path, kind: str) -> None:
    if any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")):
        pytest.skip("ONNX needs the packages onnx, onnxscript and onnxruntime")
    import onnxruntime

    # In a process of its own: torch traces lengths that are no int, which shape checks refuse.
    code = (
        "from pathlib import Path; from reelgraph.bundle import contents, onnx_export; "
        f"onnx_export.write_onnx(contents.read_bundle({str(samples.written(tmp_path, kind))!r}), Path('model.onnx'))"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, env=os.environ | {"PYTHONPATH": ROOT}
    )
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    rater, _, _ = samples.fitted(kind)
    for count, targets in ((0, [1]), (1, [4, 5]), (7, [1, 2, 3]), (20, list(range(20)))):
        rated = [Rated(39 - at, (at % 10 + 1) / 2) for at in range(count)]
        people = histories_of(rated, targets)
        expected = rater.predict(people, people.offsets[:-1], people.test).stars
        width = count + 3  # padded in front, as in a batch with longer histories
        history, stars = (
            np.zeros((len(targets), width), np.int64),
            np.zeros((len(targets), width), np.float32),
        )
        history[:, 3:], stars[:, 3:] = [r.row for r in rated], [r.stars for r in rated]
        mask = np.tile(np.arange(width) >= 3, (len(targets), 1))
        given = {"history": history, "stars": stars, "mask": mask, "target": np.array(targets)}
        np.testing.assert_allclose(session.run(None, given)[0], expected, atol=1e-5)


def test_a_gaussian_process_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ONNX has no Cholesky"):
        write_onnx(samples.contents(tmp_path), tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
