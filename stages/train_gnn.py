"""Stage train_gnn VARIANT: knowledge graph and movie features → movie embeddings."""

from __future__ import annotations

import argparse
from pathlib import Path

from reelgraph.core.seeds import derive
from reelgraph.core.torch_setup import prepare, where
from reelgraph.gnn.features import MOVIES, PROJECTED, VARIANTS, movie_features
from reelgraph.gnn.hetero import to_hetero
from reelgraph.gnn.learning import learn
from reelgraph.gnn.saved import write_curve, write_model
from reelgraph.gnn.training import train
from reelgraph.params.gnn import GnnParams
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.records import Chosen, read_record
from reelgraph.schemas.vectors import write_vectors

GRAPH = Path("data/kg")
CHOSEN = Path("data/links/chosen.json")


def train_gnn(params: GnnParams, variant: str) -> str:
    """Train one variant on every edge."""
    device = prepare(params.compute)
    graph, seed = read_kg(GRAPH), derive(params.seed, variant)
    features, epochs = movie_features(variant, graph.movie_ids), read_record(CHOSEN, Chosen).epochs
    with resumable(f"train_gnn@{variant}", params, [GRAPH, CHOSEN, PROJECTED, MOVIES]) as resume:
        state = resume.state("gnn")
        with device:
            if params.gnn.loss == "softmax":
                trained = learn(graph, features, params.gnn, epochs, seed, state)
            else:
                trained = train(to_hetero(graph, features), params.gnn, seed, state=state)
        write_vectors(graph.movie_ids, trained.embeddings, f"data/emb_{variant}.parquet")
        write_model(trained.model, f"data/gnn/{variant}")
    write_curve(trained.losses, f"plots/gnn_{variant}.tsv")
    parameters = sum(weight.numel() for weight in trained.model.parameters())
    final = {"final_loss": trained.losses[-1], "parameters": parameters, "epochs": len(trained.losses)}
    write_metrics(final, f"metrics/gnn_{variant}.json")
    losses = f"loss {trained.losses[0]:.4f} → {trained.losses[-1]:.4f}"
    return f"{parameters:,} parameters, {losses}{where(device, params.compute)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=VARIANTS)
    chosen = parser.parse_args().variant
    run(f"train_gnn@{chosen}", GnnParams, lambda params: train_gnn(params, chosen))
