"""Stage train_gnn: train movie embeddings on all edges of the knowledge graph."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.records import SelectedEpochs, read_record
from reelgraph.core.schemas.vectors import write_vectors
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import configure_torch, device_suffix
from reelgraph.gnn import io
from reelgraph.gnn.trainer import train_on_all_edges, warn_of_no_signal
from reelgraph.params.graph import GNN_VARIANTS, TrainGnnParams
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import run_stage

GRAPH = Path("data/kg")
SELECTED_EPOCHS = Path("data/links/chosen.json")


def main(params: TrainGnnParams) -> str:
    """Train each variant; write its embeddings, weights and loss curve."""
    device = configure_torch(params.compute)
    graph = read_kg(GRAPH)
    epochs = read_record(SELECTED_EPOCHS, SelectedEpochs).epochs
    inputs = [GRAPH, SELECTED_EPOCHS, io.PROJECTED_PATH, io.MOVIES_PATH]
    trained = {}
    with resumable("train_gnn", params, inputs) as resume:
        for variant in GNN_VARIANTS:
            features = io.read_movie_features(variant, graph.movie_ids)
            seed = derive_seed(params.seed, variant)
            checkpoint = resume.checkpoint(variant)
            trained[variant] = train_on_all_edges(
                graph, features, params.gnn, epochs, seed, checkpoint, device
            )
    for variant, gnn in trained.items():
        write_vectors(graph.movie_ids, gnn.embeddings, f"data/emb_{variant}.parquet")
        io.write_model(gnn.model, f"data/gnn/{variant}")
        io.write_loss_curve(gnn.losses, f"plots/gnn_{variant}.tsv")
    losses = [
        f"{variant} loss {gnn.losses[0]:.4f} → {gnn.losses[-1]:.4f}" for variant, gnn in trained.items()
    ]
    warning = warn_of_no_signal(trained["kg_gnn_bert"].losses)
    return f"{epochs} epochs; {', '.join(losses)}{warning}{device_suffix(device, params.compute)}"


if __name__ == "__main__":
    run_stage("train_gnn", TrainGnnParams, main)
