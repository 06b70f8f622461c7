"""train_gnn, time to quality: until links are predicted as well as by the reference after 100 epochs.

While links are held out; both sides are judged by the same validation links, between epochs, untimed. Ours
has its products in bfloat16, and twice the default step size, with which it is there in fewer epochs.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import HeteroData

from bench.comparison_worker import SideResult
from bench.reference import gnn as plain
from bench.synthetic_data import FULL_MOVIES, SEED, graph
from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.torch_setup import configure_torch as prepare_torch
from reelgraph.core.torch_setup import matmul_dtype
from reelgraph.gnn.decoders import Decoder, unbiased_dot_product
from reelgraph.gnn.link_metrics import evaluate_links
from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.link_splits import LinkSplits, LinkTask, build_link_splits
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.sampled_softmax import sampled_softmax_loss
from reelgraph.gnn.trainer import build_link_predictor, subsample
from reelgraph.graph.edge_split import EdgeRole, split_edges, subgraph
from reelgraph.params.base import Compute
from reelgraph.params.graph import Gnn

COUNTS = "movies"
GOAL = 30
SIZES = {"small": (1_000,), "full": (10_000,)}
DIM, REFERENCE_EPOCHS, MOST_EPOCHS = 300, 100, 200
PARAMS = Gnn(
    hidden_dim=DIM, out_dim=DIM, loss="softmax", epochs=MOST_EPOCHS, patience=4, dropout=0.5,
    learning_rate=0.006, precision="bfloat16",
)  # fmt: skip


def prepare(folder: Path, size: int) -> None:
    """Generate nothing ahead."""
    assert size <= FULL_MOVIES


def _make_inputs(size: int) -> tuple[LinkSplits, KnowledgeGraph, np.ndarray]:
    prepare_torch(Compute(threads=2, device="cpu"))
    made = graph(size, DIM)
    parts = split_edges(made, 0.1, 0.1, SEED)
    features = np.random.default_rng(SEED).normal(size=(size, DIM)).astype(np.float32)
    return build_link_splits(made, parts), subgraph(made, parts, EdgeRole.SUPERVISION), features


def _mrr(scores: Decoder, task: LinkTask) -> float:
    return evaluate_links(scores, subsample(task, SEED))["macro"]["mrr"]


def reference(folder: Path, size: int) -> SideResult:
    """Train 100 epochs."""
    tasks, supervision, features = _make_inputs(size)
    data, validation_data = (
        to_hetero_data(task.message_graph, features) for task in (tasks.train, tasks.validation)
    )
    torch.manual_seed(SEED)
    model = plain.Reference(data, DIM, DIM)
    running, start = plain.epochs(model, data, to_hetero_data(supervision, features)), time.perf_counter()
    for _ in range(REFERENCE_EPOCHS):
        next(running)
    seconds = time.perf_counter() - start
    return SideResult([seconds], {"mrr": np.array(_mrr(_dots(model, validation_data), tasks.validation))})


def _dots(model: plain.Reference, data: HeteroData) -> Decoder:
    with torch.no_grad():
        vectors = model(data)
    movies = vectors.pop("movie")
    return unbiased_dot_product(movies, vectors, dict.fromkeys(vectors, torch.ones(DIM)))


def reelgraph(folder: Path, size: int) -> SideResult:
    """Train until as good."""
    goal = float(np.load(folder / "reference.npz")["mrr"])
    tasks, _, features = _make_inputs(size)
    training, validation_inputs = (
        prepare_inputs(to_hetero_data(t.message_graph, features)) for t in (tasks.train, tasks.validation)
    )
    model = build_link_predictor(training, PARAMS, SEED)
    training = training.with_matmul_dtype(matmul_dtype(PARAMS.precision, training.movies.device))
    optimizer = torch.optim.Adam(model.parameters(), lr=PARAMS.learning_rate, fused=True)
    generator = torch.manual_seed(SEED)
    seconds = mrr = 0.0
    for _ in range(MOST_EPOCHS):
        start = time.perf_counter()
        model.train()
        loss = sampled_softmax_loss(model(training), tasks.train, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds += time.perf_counter() - start
        model.eval()
        with torch.no_grad():
            mrr = _mrr(model(validation_inputs), tasks.validation)
        if mrr >= goal:
            break
    return SideResult([seconds], {"mrr": np.array(mrr)})


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """The MRR is at least as high."""
    assert reelgraph["mrr"] >= reference["mrr"], f"MRR {reelgraph['mrr']:.4f} of {reference['mrr']:.4f}"
