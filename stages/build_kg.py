"""Stage build_kg: build the knowledge graph, with a vector for each entity name."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.schemas.kg import read_kg, write_kg
from reelgraph.core.schemas.movies import read_movies
from reelgraph.graph.entities import extract_entities_and_edges
from reelgraph.graph.entity_embeddings import check_model_dimension, embed_names
from reelgraph.params.graph import BuildKgParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.errors import InputError
from reelgraph.runtime.stage_runner import run_stage

MOVIES = Path("data/movies.parquet")
FOLDER = Path("data/kg")
COUNTS = Path("data/counts/kg.json")


def main(params: BuildKgParams) -> str:
    """Extract entities and edges from the movies, embed the names, write the graph and its counts."""
    check_model_dimension(params.kg.fasttext, params.projection.dim)
    movies = read_movies(MOVIES)
    entities, edges = extract_entities_and_edges(movies)
    if not edges.num_rows:
        raise InputError(str(MOVIES), "a movie with an actor, a genre or another entity", "none",
                         "Add at least the genres to the catalogue.")  # fmt: skip
    vectors = embed_names(params.kg.fasttext, params.kg.fasttext_epochs, movies, entities["name"].to_pylist())
    write_kg(movies["movie_id"].to_numpy(), entities, edges, vectors, FOLDER)
    counts = read_kg(FOLDER).counts()
    write_json({name: dict(count) for name, count in counts.items()}, COUNTS)
    sizes = ", ".join(f"{size:,} {node_type}" for node_type, size in counts["nodes"].items())
    return f"nodes {sizes}; {edges.num_rows:,} edges in each direction"


if __name__ == "__main__":
    run_stage("build_kg", BuildKgParams, main)
