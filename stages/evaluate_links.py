"""Stage evaluate_links: evaluate link prediction on held-out edges and select the epochs of train_gnn."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.reports import write_metrics, write_report
from reelgraph.core.target_rows import write_target_rows
from reelgraph.core.torch_setup import configure_torch, device_suffix
from reelgraph.gnn.io import check_dimensions, read_movie_features, write_validation_curve
from reelgraph.gnn.link_metrics import headline_metrics
from reelgraph.gnn.link_prediction import evaluate_link_prediction
from reelgraph.gnn.trainer import warn_of_no_signal
from reelgraph.graph.edge_split import (
    EdgeRole,
    format_missing_roles,
    mask_held_out_names,
    split_edges,
    subgraph,
    write_edge_roles,
)
from reelgraph.graph.entity_embeddings import embed_names
from reelgraph.params.graph import EvaluateLinksParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage

MOVIES = Path("data/movies.parquet")
GRAPH = Path("data/kg")


def main(params: EvaluateLinksParams) -> str:
    """Evaluate the GNN and the link prediction baselines on the features of kg_gnn_bert."""
    device = configure_torch(params.compute)
    graph = read_kg(GRAPH)
    features = read_movie_features("kg_gnn_bert", graph.movie_ids)
    check_dimensions(graph, features)
    kg = params.kg
    edge_roles = split_edges(graph, kg.val_fraction, kg.test_fraction, params.seed)
    held_out = subgraph(graph, edge_roles, EdgeRole.VALIDATION, EdgeRole.TEST)
    movies = mask_held_out_names(read_movies(MOVIES), held_out)
    vectors = embed_names(kg.fasttext, kg.fasttext_epochs, movies, graph.entity_names())
    graph = graph.with_entity_vectors(vectors)
    result = evaluate_link_prediction(graph, edge_roles, features, params, device)
    best_epoch = result.training.best_epoch
    write_edge_roles(graph, edge_roles, "data/links/edges.parquet")
    write_json({"epochs": best_epoch}, "data/links/chosen.json")
    write_validation_curve(result.training.validation_mrr, "plots/links.tsv")
    write_target_rows(result.edges, 3, "plots/link_ranks.tsv")
    write_report("links", result.metrics)
    write_metrics(headline_metrics(result.metrics), "metrics/links.json")
    mrr = ", ".join(f"{model} {rows['micro']['mrr']:.3f}" for model, rows in result.metrics.items())
    notes = format_missing_roles(edge_roles) + warn_of_no_signal(result.training.losses)
    summary = f"{best_epoch} epochs; micro MRR {mrr or 'not measured'}{notes}"
    return summary + device_suffix(device, params.compute)


if __name__ == "__main__":
    run_stage("evaluate_links", EvaluateLinksParams, main)
