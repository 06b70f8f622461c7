"""Stage links: hold edges out, learn without them, judge by them; choose how long train_gnn learns."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.torch_setup import prepare, where
from reelgraph.gnn.features import movie_features
from reelgraph.gnn.links import judge_links
from reelgraph.gnn.saved import write_looks
from reelgraph.graph.held_out import Part, only, split_edges, without_names, write_parts
from reelgraph.graph.names import name_vectors
from reelgraph.params.links import LinksParams
from reelgraph.runtime.atomic_io import write_json, write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.movies import read_movies

MOVIES = Path("data/movies.parquet")
GRAPH = Path("data/kg")


def links(params: LinksParams) -> str:
    """Judge the GNN and its peers on kg_gnn_bert's features."""
    device = prepare(params.compute)
    graph, kg = read_kg(GRAPH), params.kg
    parts = split_edges(graph, kg.val_share, kg.test_share, params.seed)
    lines = without_names(read_movies(MOVIES), only(graph, parts, Part.VALIDATION, Part.TEST))
    graph = graph.with_vectors(name_vectors(kg.fasttext, kg.fasttext_epochs, lines, graph.names()))
    features = movie_features("kg_gnn_bert", graph.movie_ids)
    with device:
        found = judge_links(graph, parts, features, params.gnn, params.seed)
    write_parts(graph, parts, "data/links/edges.parquet")
    write_json({"epochs": found.fitted.best}, "data/links/chosen.json")
    write_looks(found.fitted.mrr, "plots/links.tsv")
    write_metrics(found.judged, "metrics/links.json")
    scores = ", ".join(f"{name} {each['micro']['mrr']:.3f}" for name, each in found.judged.items())
    return f"{found.fitted.best} epochs; micro MRR {scores or 'not measured'}{where(device, params.compute)}"


if __name__ == "__main__":
    run("links", LinksParams, links)
