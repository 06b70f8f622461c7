"""Where numbers are computed."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import torch

from reelgraph.core.torch_setup import AVX512_CORE, CPU, configure_torch, device_suffix, matmul_dtype
from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.sparse import gathered_pair_dots, pair_dots
from reelgraph.gnn.trainer import build_link_predictor
from reelgraph.params.base import Compute, load
from reelgraph.params.graph import TrainGnnParams
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.network_rater import build_network
from reelgraph.raters.networks.trainer import BatchForward
from reelgraph.raters.networks.transformer import TransformerRater
from reelgraph.runtime.errors import ParamError
from tests.helpers.graphs import random_graph
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params


def test_matmul_dtype_is_bfloat16_only_on_a_cpu_with_support(monkeypatch: pytest.MonkeyPatch) -> None:
    assert matmul_dtype("float32", CPU) == torch.float32
    for features, dtype in (
        (dict.fromkeys(AVX512_CORE, True), torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),
        ({"avx2": True, "avx512_f": True}, torch.float32),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda features=features: features)
        assert matmul_dtype("bfloat16", CPU) == dtype
    assert matmul_dtype("bfloat16", torch.device("meta")) == torch.float32


def on(device: str) -> Compute:
    return Compute(threads=torch.get_num_threads(), device=device)


def test_configure_torch_auto_selects_the_best_device() -> None:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert configure_torch(on("auto")).type == best
    assert device_suffix(torch.device(best), on("auto")) == f", on {best}"
    assert device_suffix(CPU, on("cpu")) == ""


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_configure_torch_rejects_a_missing_device(device: str) -> None:
    if getattr(torch.backends if device == "mps" else torch, device).is_available():
        pytest.skip("it is there")
    with pytest.raises(
        ParamError, match=f"compute.device: expected .* finds here: .*cpu, got {device}. Set it to"
    ):
        configure_torch(on(device))


NETWORKS = {"attention": AttentionRater, "transformer": TransformerRater}


@pytest.mark.parametrize(
    ("kind", "whole_users"), [("attention", False), ("attention", True), ("transformer", False)]
)
def test_batch_forward_uses_no_cpu_tensor_of_a_network(kind: str, whole_users: bool) -> None:
    """Meta tensors have a device and no numbers, so that the path of a GPU can be walked without one."""
    made, meta = random_histories(3, 12, 40, 40), torch.device("meta")
    rater = build_network(NETWORKS[kind], small_rater_params(kind).config(), small_movie_inputs().vectors).to(
        meta
    )
    result = BatchForward(rater, 30, torch.float32, whole_users)(made, made.train)
    assert result.device == meta
    assert result.shape == made.train.shape
    result.sum().backward()
    assert all(weight.grad.device == meta for weight in rater.parameters())


def test_link_predictor_uses_no_cpu_tensor() -> None:
    graph, features = random_graph(20, 6), np.random.default_rng(1).normal(size=(20, 5)).astype(np.float32)
    params = load(TrainGnnParams).gnn.model_copy(update={"hidden_dim": 8, "out_dim": 8})
    inputs = prepare_inputs(to_hetero_data(graph, features))
    model = build_link_predictor(inputs, params, 1).to("meta")
    result = model(moved(inputs))
    assert result.movies.device.type == "meta"
    sum(part.sum() for part in (result.movies, *result.entities.values())).backward()
    assert all(weight.grad.device.type == "meta" for weight in model.sage.parameters())


def test_the_sparse_product_has_a_plain_twin() -> None:
    draw = torch.Generator().manual_seed(1)
    starts, columns = torch.tensor([0, 0, 3, 4, 9]), torch.randint(6, (9,), generator=draw)
    results = []
    for dots in (pair_dots, gathered_pair_dots):
        left_vectors, right_vectors = (
            torch.randn(n, 5, generator=draw.manual_seed(n)).requires_grad_() for n in (4, 6)
        )
        result = dots(left_vectors, right_vectors, starts, columns)
        results.append(
            (result, *torch.autograd.grad((result * torch.arange(9)).sum(), (left_vectors, right_vectors)))
        )
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second)


def moved(inputs: object) -> object:
    """The same on the meta device."""
    if isinstance(inputs, torch.Tensor):
        return inputs.to("meta")
    if isinstance(inputs, dict):
        return {name: moved(value) for name, value in inputs.items()}
    if is_dataclass(inputs):
        return type(inputs)(*(moved(getattr(inputs, value.name)) for value in fields(inputs)))
    return inputs
