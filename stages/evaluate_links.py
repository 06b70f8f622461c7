"""Stage links: hold edges out, learn without them, judge by them; choose how long train_gnn learns."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.torch_setup import configure_torch, device_suffix
from reelgraph.gnn.io import read_movie_features, write_validation_curve
from reelgraph.gnn.link_prediction import evaluate_link_prediction
from reelgraph.graph.edge_split import EdgeRole, mask_held_out_names, split_edges, subgraph, write_edge_roles
from reelgraph.graph.entity_embeddings import embed_names
from reelgraph.params.graph import EvaluateLinksParams
from reelgraph.runtime.atomic_io import write_json, write_metrics
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.movies import read_movies

MOVIES = Path("data/movies.parquet")
GRAPH = Path("data/kg")


def main(params: EvaluateLinksParams) -> str:
    """Judge the GNN and its peers on kg_gnn_bert's features."""
    device = configure_torch(params.compute)
    graph, kg = read_kg(GRAPH), params.kg
    parts = split_edges(graph, kg.val_fraction, kg.test_fraction, params.seed)
    lines = mask_held_out_names(
        read_movies(MOVIES), subgraph(graph, parts, EdgeRole.VALIDATION, EdgeRole.TEST)
    )
    graph = graph.with_entity_vectors(
        embed_names(kg.fasttext, kg.fasttext_epochs, lines, graph.entity_names())
    )
    features = read_movie_features("kg_gnn_bert", graph.movie_ids)
    with device:
        found = evaluate_link_prediction(graph, parts, features, params.gnn, params.seed)
    write_edge_roles(graph, parts, "data/links/edges.parquet")
    write_json({"epochs": found.training.best_epoch}, "data/links/chosen.json")
    write_validation_curve(found.training.validation_mrr, "plots/links.tsv")
    write_metrics(found.metrics, "metrics/links.json")
    scores = ", ".join(f"{name} {each['micro']['mrr']:.3f}" for name, each in found.metrics.items())
    return f"{found.training.best_epoch} epochs; micro MRR {scores or 'not measured'}{device_suffix(device, params.compute)}"


if __name__ == "__main__":
    run_stage("evaluate_links", EvaluateLinksParams, main)
