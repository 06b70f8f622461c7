"""Stage bert_encode: encode the text of each movie with a sentence transformer."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.vectors import write_vectors
from reelgraph.core.torch_setup import configure_torch, device_suffix
from reelgraph.params.text import BertEncodeParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.text.cache import encode_with_cache, fingerprint
from reelgraph.text.encoder import encode
from reelgraph.text.movie_text import count_texts, movie_texts
from reelgraph.text.precision import check_precision_support, to_precision_checked
from reelgraph.text.sentence_model import load_encoder, locate_model

MOVIES = Path("data/movies.parquet")
VECTORS = Path("data/text_vectors.parquet")
CACHE = Path(".cache/text")
COUNTS = Path("data/counts/text.json")


def main(params: BertEncodeParams) -> str:
    """Encode the texts, or read their vectors from the cache; write one vector per movie."""
    device = configure_torch(params.compute)
    check_precision_support(params.text.precision, device)
    movies = read_movies(MOVIES, ("movie_id", "tagline", "overview"))
    texts = movie_texts(movies)
    text_list = texts.to_pylist()
    float32_model = load_encoder(locate_model(params.text.model), device)
    model, backend, agreement = to_precision_checked(float32_model, params.text.precision, text_list)
    batch_size = params.text.batch_size
    counts = count_texts(texts)
    with resumable("bert_encode", params, [MOVIES]) as resume:
        checkpoint = resume.checkpoint("vectors")
        cache_folder = CACHE / fingerprint(model, batch_size, backend)
        vectors = encode_with_cache(
            cache_folder, text_list, lambda new_texts: encode(model, new_texts, batch_size, checkpoint)
        )
        write_vectors(movies["movie_id"].to_numpy(), vectors, VECTORS)
    write_json(counts, COUNTS)
    summary = (
        f"{counts['movies']:,} movies, {counts['nonempty_fraction']:.1%} with a text, {vectors.shape[1]} d"
    )
    return summary + agreement + device_suffix(device, params.compute)


if __name__ == "__main__":
    run_stage("bert_encode", BertEncodeParams, main)
