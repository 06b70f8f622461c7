from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from bench.synthetic_data import catalog
from reelgraph.core.torch_setup import CPU
from reelgraph.runtime.errors import PackageError, ParamError
from reelgraph.text import int8
from reelgraph.text.cache import fingerprint
from reelgraph.text.encoder import encode
from reelgraph.text.int8 import (
    INT8_CAPABILITIES,
    LARGEST_WEIGHT,
    QuantizedLinear,
    agreement,
    check_int8_support,
    gptq,
    to_int8_checked,
)
from reelgraph.text.movie_text import movie_texts
from reelgraph.text.sentence_model import CheckedModel


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return sorted(set(movie_texts(catalog(400)).to_pylist()))


@pytest.fixture(scope="module")
def small_samples() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8, "CALIBRATION_SIZE", 32)
        patch.setattr(int8, "SAMPLE_SIZE", 64)
        yield


@pytest.fixture(scope="module")
def openvino() -> None:
    if find_spec("openvino") is None:  # not imported here, as that would load its telemetry
        pytest.skip("int8 needs openvino, from requirements-int8.lock")
    if not any(torch.cpu.get_capabilities().get(name) for name in INT8_CAPABILITIES):
        pytest.skip(f"int8 needs a CPU with one of {', '.join(INT8_CAPABILITIES)}")


@pytest.fixture(scope="module")
def converted(model, texts: list[str], small_samples: None, openvino: None) -> CheckedModel:
    return to_int8_checked(model, texts)


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def correlated_inputs(tokens: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(64, 64, generator=generator)
    return torch.randn(tokens, 64, generator=generator) @ mixing * torch.linspace(0.1, 5, 64)


def test_agreement_is_one_for_rotated_vectors_and_low_for_others() -> None:
    rng = np.random.default_rng(0)
    vectors = unit_rows(rng.normal(size=(40, 8)))
    rotation = np.linalg.qr(rng.normal(size=(8, 8)))[0].astype(np.float32)
    assert agreement(vectors, vectors @ rotation) == pytest.approx((1, 1), abs=1e-4)
    spearman, overlap = agreement(vectors, vectors[::-1])
    assert abs(spearman) < 0.3
    assert 0.05 < overlap < 0.6


def test_agreement_counts_common_neighbours() -> None:
    def vectors_at(degrees: list[int]) -> np.ndarray:
        angles = np.radians(degrees)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

    twelve = list(range(0, 36, 3))
    spearman, overlap = agreement(vectors_at(twelve), vectors_at([*twelve[:-1], 90]))
    # Rows 6 to 10 leave out row 0 at first and row 11 then; rows 0 to 5 leave out row 11 both times.
    assert overlap == pytest.approx(1 - 5 * 0.1 / 12)
    assert 0.5 < spearman < 1


def test_gptq_rounds_to_the_grid_and_beats_plain_rounding() -> None:
    inputs = correlated_inputs(500)
    weight = torch.randn(16, 64, generator=torch.Generator().manual_seed(1))
    scale = weight.abs().amax(dim=1) / LARGEST_WEIGHT
    rounded = gptq(weight, scale, inputs.T @ inputs)
    steps = rounded / scale[:, None]
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
    assert steps.abs().max() < LARGEST_WEIGHT + 0.5
    plain = (weight / scale[:, None]).round() * scale[:, None]
    errors = [((inputs @ (other - weight).T) ** 2).mean() for other in (rounded, plain)]
    assert errors[0] < 0.5 * errors[1]


def test_quantized_linear_is_close_to_the_layer() -> None:
    inputs = correlated_inputs(500)
    layer = torch.nn.Linear(64, 96)
    with torch.no_grad():
        expected = layer(inputs)
        error = QuantizedLinear(layer, inputs)(inputs) - expected
    assert 0 < error.std() < 0.02 * expected.std()


def test_to_int8_checked_keeps_the_embeddings(model, texts: list[str], converted: CheckedModel) -> None:
    vectors = encode(converted.model, texts, 16)
    expected = encode(model, texts, 16)
    assert (vectors * expected).sum(axis=1).min() >= 0.99
    assert not np.allclose(vectors, expected, atol=1e-4)
    spearman, overlap = agreement(expected, vectors)
    assert spearman >= 0.99
    assert overlap >= 0.9
    assert converted.agreement.startswith(", int8 with Spearman's ρ 0.99")


def test_int8_vectors_do_not_depend_on_the_other_texts_of_a_batch(
    texts: list[str], converted: CheckedModel
) -> None:
    batched = encode(converted.model, texts[:40], 16)
    separate = np.concatenate([encode(converted.model, [text], 16) for text in texts[:40]])
    np.testing.assert_array_equal(separate, batched)


def test_int8_writes_the_same_bytes_in_each_run_with_any_number_of_threads(
    model, texts: list[str], converted: CheckedModel
) -> None:
    expected = encode(converted.model, texts[:64], 16)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        again = to_int8_checked(model, texts[::-1])
        vectors = encode(again.model, texts[:64], 16)
    finally:
        torch.set_num_threads(before)
    assert vectors.tobytes() == expected.tobytes()
    assert again[1:] == converted[1:]


def test_fingerprint_depends_on_calibration_and_backend(
    model, texts: list[str], converted: CheckedModel
) -> None:
    other = to_int8_checked(model, texts[:300])
    keys = {
        fingerprint(model, 16),
        fingerprint(converted.model, 16, converted.backend),
        fingerprint(converted.model, 16, "openvino of another version"),
        fingerprint(other.model, 16, other.backend),
    }
    assert len(keys) == 4


@pytest.mark.parametrize("limit", ["MIN_SPEARMAN", "MIN_NEIGHBOUR_OVERLAP"])
def test_to_int8_checked_raises_below_a_limit(
    model, texts: list[str], converted: CheckedModel, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(int8, limit, 0.99999)
    message = r"0\.99999 or more.*got 0\.99\d\d and 0\.9\d+ on 64 texts. Set text.precision to float32"
    with pytest.raises(ParamError, match=message):
        to_int8_checked(model, texts)


def test_to_int8_checked_needs_texts_to_compare(model) -> None:
    with pytest.raises(ParamError, match=r"\d+ distinct texts or more, got 2. Set text.precision to float32"):
        to_int8_checked(model, ["a", "b", "a"])


def test_check_int8_support(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParamError, match="compute.device cpu, got cuda"):
        check_int8_support(torch.device("cuda"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_vnni": False})
    with pytest.raises(
        ParamError, match="a CPU with one of avx512_vnni, avx_vnni.*Set text.precision to float32"
    ):
        check_int8_support(CPU)


def test_check_int8_support_needs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx_vnni": True})
    monkeypatch.setattr(int8, "import_module", refuse)
    message = "the package openvino, got none installed. Run `pip install -r requirements-int8.lock`"
    with pytest.raises(PackageError, match=message):
        check_int8_support(CPU)


def test_openvino_is_used_without_its_telemetry(converted: CheckedModel) -> None:
    loaded = [name for name, module in sys.modules.items() if module is not None]
    assert "openvino" in loaded
    assert not [name for name in loaded if name.split(".")[0] == "openvino_telemetry"]
