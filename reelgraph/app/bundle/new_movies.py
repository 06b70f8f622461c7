"""New movies for a bundle: vectors and predictions from their content, without training.

Texts go through the encoder, entities are linked by name, and the graph embeddings come from one forward
pass of the trained GNN. The rater predicts these movies as it predicts movies that nobody has rated.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MOVIES_SCHEMA, BundleContents, make_config
from reelgraph.app.bundle.model import restore_bundle_rater
from reelgraph.app.bundle.similarity import to_unit_vectors
from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.table_engine import connect
from reelgraph.core.torch_setup import CPU, configure_torch
from reelgraph.gnn.io import read_model, standardize_release_years
from reelgraph.gnn.new_movies import embed_new_movies
from reelgraph.graph.entity_embeddings import embed_names
from reelgraph.graph.new_movies import append_movies
from reelgraph.params.base import load
from reelgraph.params.graph import GNN_VARIANTS
from reelgraph.params.pipeline import PipelineParams
from reelgraph.params.text import Text
from reelgraph.rankers.blend import BlendRanker
from reelgraph.rankers.blend import append_movies as append_movies_to_ranker
from reelgraph.rankers.io import read_ranker_inputs
from reelgraph.rankers.ranker import MovieContent
from reelgraph.rankers.registry import SERVED, load_ranker, save_ranker
from reelgraph.raters.rater import MovieInputs
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.atomic_io import RERUN_HINT
from reelgraph.runtime.errors import ArtifactError, InputError
from reelgraph.sources.ingest import read_new_movies
from reelgraph.sources.source import Staging
from reelgraph.text.encoder import encode
from reelgraph.text.movie_text import movie_texts
from reelgraph.text.precision import check_precision_support, to_precision_checked
from reelgraph.text.projection import project
from reelgraph.text.sentence_model import load_encoder, locate_model

MAP_NEIGHBOURS = 5
"""Movies whose mean place on the map a new movie gets."""

Vectors = Float32[np.ndarray, "movies dim"]


def add_new_movies(contents: BundleContents, location: Path, scratch: Path) -> BundleContents:
    """Return the contents of a bundle with the movies of a catalogue, as movies without ratings.

    Args:
        contents: collected from the pipeline's outputs in ``data/``.
        location: catalogue with the columns of the data contract, parquet or CSV.
        scratch: folder for the weights of the rater and the ranker, which the contents name.

    Raises:
        InputError: the file violates the contract, has an unknown column or a movieId of the bundle; or the
            rater, or ``model.embedding``, can't take new movies.
        ArtifactError: the outputs do not belong together.
    """
    params = load(PipelineParams)
    rater_type = find_rater(contents.config.rater.model.type)
    variant = contents.config.rater.model.embedding
    if rater_type.append_movies is None or variant not in GNN_VARIANTS:
        got = contents.config.rater.model.type if rater_type.append_movies is None else variant
        raise InputError("model", f"a rater that takes new movies, and one of {', '.join(GNN_VARIANTS)}", got,
                         "Change model.type or model.embedding, and run `dvc repro`.")  # fmt: skip
    new = _read_movies(location, contents.catalog, params)
    configure_torch(params.compute)
    movies = pa.concat_tables([read_movies("data/movies.parquet"), new])
    fitted_graph = read_kg("data/kg")
    embed = partial(embed_names, params.kg.fasttext, params.kg.fasttext_epochs, movies[: -len(new)])
    graph = append_movies(fitted_graph, movies, embed)
    text = np.concatenate([contents.vectors["text"], _encode(params.text, movies, contents.vectors["text"])])
    years = pc.cast(movies["release_year"], "float64").to_numpy()
    if variant == "kg_gnn_bert":
        features = project(text, params.projection.dim, params.projection.seed)
    else:
        features = standardize_release_years(years, len(fitted_graph.movie_ids))
    embeddings = embed_new_movies(read_model(f"data/gnn/{variant}"), fitted_graph, graph, features)
    vectors = np.concatenate([contents.vectors["graph"], embeddings])
    weights = scratch / "model.safetensors"
    content = MovieContent(text, years, graph.entity_matrix(ENTITY_COLUMNS))
    rater = restore_bundle_rater(contents)
    rater_type.append_movies(rater, MovieInputs(vectors, text, graph, years)).save(weights)
    return replace(
        contents,
        catalog=_append_rows(contents.catalog, new, vectors),
        vectors={"text": text, "graph": vectors},
        config=make_config(contents.config.rater, len(vectors)),
        weights=weights,
        ranker=contents.ranker and _append_to_ranker(contents.ranker, content, params, scratch),
    )


def _append_to_ranker(folder: Path, content: MovieContent, params: PipelineParams, scratch: Path) -> Path:
    """Write the ranker of a bundle with the movies of ``content``; return its new folder."""
    ranker = load_ranker(folder)
    if not isinstance(ranker, BlendRanker):
        raise ArtifactError(str(folder), f"the ranker {SERVED}", type(ranker).__name__, RERUN_HINT)
    ratings = read_ranker_inputs(params.evaluate.fit, params.seed).ratings
    extended = scratch / "ranker"
    save_ranker(SERVED, append_movies_to_ranker(ranker, ratings, content), extended)
    return extended


def _read_movies(location: Path, catalog: MovieCatalog, params: PipelineParams) -> pa.Table:
    """Read the new movies, with the names of the code."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-movies-") as folder:
        new = read_new_movies(str(location), Staging(connect(params.engine), Path(folder)))
    known = [movie for movie in new["movie_id"].to_pylist() if catalog.find_row(movie) is not None]
    if known:
        raise InputError(f"{location}: movieId", "movies that the model does not have",
                         f"{len(known):,} that it has, such as {known[0]}",
                         "Remove them from the file.")  # fmt: skip
    return new


def _encode(
    params: Text, movies: pa.Table, fitted: Float32[np.ndarray, "fitted_movies dim"]
) -> Float32[np.ndarray, "new_movies dim"]:
    """Return the text vectors of the new movies, which are the last; ``fitted`` are those of the others."""
    all_texts = movie_texts(movies).to_pylist()
    texts = all_texts[len(fitted) :]
    check_precision_support(params.precision, CPU)
    # The texts of bert_encode, on which the weights in int8 depend.
    fitted_texts = all_texts[: len(fitted)]
    encoder = to_precision_checked(load_encoder(locate_model(params.model)), params.precision, fitted_texts)
    vectors = encode(encoder.model, texts, params.batch_size)
    if vectors.shape[1] != fitted.shape[1]:
        raise ArtifactError("data/text_vectors.parquet", f"the {vectors.shape[1]} dimensions of text.model",
                            f"{fitted.shape[1]} dimensions", RERUN_HINT)  # fmt: skip
    return vectors


def _append_rows(catalog: MovieCatalog, new: pa.Table, vectors: Vectors) -> MovieCatalog:
    """Return the catalogue with rows of the new movies, placed on the map among their nearest neighbours."""
    n_fitted = len(catalog)
    unit = to_unit_vectors(vectors)
    similarity = unit[n_fitted:] @ unit[:n_fitted].T
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :MAP_NEIGHBOURS]
    table = catalog.table.cast(MOVIES_SCHEMA)
    renamed = new.rename_columns(["movieId", *new.column_names[1:]])
    columns: dict[str, object] = {
        name: renamed[name] for name in MOVIES_SCHEMA.names if name in renamed.column_names
    }
    columns |= {name: [[]] * len(new) for name in ("other_titles", "other_genres")}
    columns |= {name: [None] * len(new) for name in ("title", "imdb_id", "tmdb_id", "source_movie_id")}
    columns["ratings"] = [0] * len(new)
    for name in ("x", "y"):
        columns[name] = table[name].to_numpy()[nearest].mean(axis=1)
    rows = pa.table(columns).select(MOVIES_SCHEMA.names).cast(MOVIES_SCHEMA)
    return MovieCatalog(pa.concat_tables([table, rows]).combine_chunks())
