"""Stage train_gnn VARIANT: train movie embeddings on all edges of the knowledge graph."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.records import SelectedEpochs, read_record
from reelgraph.core.schemas.vectors import write_vectors
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import configure_torch, device_suffix
from reelgraph.gnn import io
from reelgraph.gnn.bpr import train_bpr
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import train_on_all_edges, warn_of_no_signal
from reelgraph.params.graph import GNN_VARIANTS, TrainGnnParams
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import run_stage

GRAPH = Path("data/kg")
SELECTED_EPOCHS = Path("data/links/chosen.json")


def main(params: TrainGnnParams, variant: str) -> str:
    """Train one variant; write its embeddings, weights and loss curve."""
    device = configure_torch(params.compute)
    graph = read_kg(GRAPH)
    seed = derive_seed(params.seed, variant)
    features = io.read_movie_features(variant, graph.movie_ids)
    epochs = read_record(SELECTED_EPOCHS, SelectedEpochs).epochs
    inputs = [GRAPH, SELECTED_EPOCHS, io.PROJECTED_PATH, io.MOVIES_PATH]
    with resumable(f"train_gnn@{variant}", params, inputs) as resume:
        checkpoint = resume.checkpoint("gnn")
        if params.gnn.loss == "softmax":
            trained = train_on_all_edges(graph, features, params.gnn, epochs, seed, checkpoint, device)
        else:
            data = to_hetero_data(graph, features, device)
            trained = train_bpr(data, params.gnn, seed, checkpoint=checkpoint)
        write_vectors(graph.movie_ids, trained.embeddings, f"data/emb_{variant}.parquet")
        io.write_model(trained.model, f"data/gnn/{variant}")
    io.write_loss_curve(trained.losses, f"plots/gnn_{variant}.tsv")
    n_parameters = sum(weight.numel() for weight in trained.model.parameters())
    losses = f"loss {trained.losses[0]:.4f} → {trained.losses[-1]:.4f}{warn_of_no_signal(trained.losses)}"
    return f"{n_parameters:,} parameters, {losses}{device_suffix(device, params.compute)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variant", choices=GNN_VARIANTS)
    selected_variant = parser.parse_args().variant
    run_stage(f"train_gnn@{selected_variant}", TrainGnnParams, partial(main, variant=selected_variant))
