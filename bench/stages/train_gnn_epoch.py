"""train_gnn, an epoch: the reference's loss on both sides, full batches."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch_geometric.data import HeteroData

from bench.comparison_worker import Device, SideResult
from bench.reference import gnn as plain
from bench.synthetic_data import FULL_MOVIES, SEED, graph
from reelgraph.core.torch_setup import CPU, matmul_dtype
from reelgraph.core.torch_setup import configure_torch as prepare_torch
from reelgraph.gnn.bpr import bpr_loss, build_bpr_edges, sage_inputs, sample_negatives
from reelgraph.gnn.sage import HeteroSage, to_hetero_data
from reelgraph.params.base import Compute

COUNTS = "movies"
GOAL = 5
SIZES = {"small": (1_000, 2_000, 4_000), "full": (6_000, 18_000, FULL_MOVIES)}
DIM = 300
EPOCHS = 6
TOLERANCE = 1e-4


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead: the graph is made from the seed on both sides."""


def _data(size: int, device: torch.device = CPU) -> HeteroData:
    made = graph(size, DIM)
    features = np.random.default_rng(SEED).normal(size=(size, DIM)).astype(np.float32)
    return to_hetero_data(made, features, device)


def reference(folder: Path, size: int) -> SideResult:
    """Train some epochs; before, take loss and gradients for weights and negatives that both sides share."""
    prepare_torch(Compute(threads=2, device="cpu"))
    data = _data(size)
    torch.manual_seed(SEED)
    model = plain.Reference(data, DIM, DIM)
    torch.manual_seed(SEED)
    loss = plain.bpr_loss(model(data), data, plain.draw(data))
    gradients = _loss_and_gradients(model, loss)
    running, seconds = plain.epochs(model, data, data), []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        next(running)
        seconds.append(time.perf_counter() - start)
    return SideResult(seconds, gradients)


def reelgraph(
    folder: Path, size: int, device: Device = "cpu", precision: Literal["float32", "bfloat16"] = "float32"
) -> SideResult:
    """The same, by the project's training."""
    return _train(_data(size, prepare_torch(Compute(threads=2, device=device))), precision)


def _train(data: HeteroData, precision: Literal["float32", "bfloat16"]) -> SideResult:
    inputs = sage_inputs(data)
    torch.manual_seed(SEED)
    model = HeteroSage(inputs[0].entity_types, DIM, DIM, DIM, DIM)
    model.to(inputs[1].device)
    targets = build_bpr_edges(data, inputs[0])
    negatives = _same_negatives(data, inputs[0].entity_counts)
    movies, entities = model(*inputs)
    loss = bpr_loss(movies, entities, targets, negatives)
    gradients = _loss_and_gradients(model, loss)
    optimizer = torch.optim.Adam(model.parameters(), lr=plain.LEARNING_RATE, fused=True)
    generator = torch.Generator("cpu").manual_seed(SEED)
    seconds = []
    dtype = matmul_dtype(precision, inputs[1].device)
    features = [tensor.to(dtype) for tensor in inputs[1:]]
    for _ in range(EPOCHS):
        start = time.perf_counter()
        movies, entities = model(inputs[0], *features, dtype)
        loss = bpr_loss(movies, entities, targets, sample_negatives(targets, generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - start)
    return SideResult(seconds, gradients)


def _same_negatives(data: HeteroData, sizes: tuple[int, ...]) -> torch.Tensor:
    """Draw the reference's negatives and put them into our order of the edges, which is by movie."""
    torch.manual_seed(SEED)
    device = data["movie"].x.device
    negatives = {name: entities.to(device) for name, entities in plain.draw(data).items()}
    first = np.cumsum([0, *sizes[:-1]])
    movies = torch.cat([data["movie", f"has_{name}", name].edge_index[0] for name in negatives])
    stacked = torch.cat(
        [entities + int(offset) for entities, offset in zip(negatives.values(), first, strict=True)]
    )
    return stacked[movies.int().sort(stable=True).indices]


def _loss_and_gradients(model: nn.Module, loss: torch.Tensor) -> dict[str, np.ndarray]:
    loss.backward()
    parts = {"loss": loss.detach().cpu().numpy()}
    for number, weight in enumerate(model.parameters()):
        assert weight.grad is not None
        parts[f"gradient_{number}"] = weight.grad.cpu().numpy().copy()
    return parts


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """Loss and every gradient are within 1e-4."""
    assert reference.keys() == reelgraph.keys()
    for name, expected in reference.items():
        np.testing.assert_allclose(reelgraph[name], expected, atol=TOLERANCE, rtol=TOLERANCE, err_msg=name)
