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
from reelgraph.text.sentence_model import (
    check_bfloat16_support,
    load_encoder,
    locate_model,
    to_bfloat16_checked,
)

MOVIES = Path("data/movies.parquet")
VECTORS = Path("data/text_vectors.parquet")
CACHE = Path(".cache/text")
COUNTS = Path("data/counts/text.json")


def main(params: BertEncodeParams) -> str:
    """Encode the texts, or read their vectors from the cache; write one vector per movie."""
    device = configure_torch(params.compute)
    if params.text.precision == "bfloat16":
        check_bfloat16_support(device)
    movies = read_movies(MOVIES, ("movie_id", "tagline", "overview"))
    texts = movie_texts(movies)
    text_list = texts.to_pylist()
    model = load_encoder(locate_model(params.text.model), device)
    batch_size = params.text.batch_size
    if params.text.precision == "bfloat16":
        model = to_bfloat16_checked(model, text_list)
    counts = count_texts(texts)
    with resumable("bert_encode", params, [MOVIES]) as resume:
        checkpoint = resume.checkpoint("vectors")
        cache_folder = CACHE / fingerprint(model, batch_size)
        vectors = encode_with_cache(
            cache_folder, text_list, lambda new_texts: encode(model, new_texts, batch_size, checkpoint)
        )
        write_vectors(movies["movie_id"].to_numpy(), vectors, VECTORS)
    write_json(counts, COUNTS)
    summary = (
        f"{counts['movies']:,} movies, {counts['nonempty_fraction']:.1%} with a text, {vectors.shape[1]} d"
    )
    return summary + device_suffix(device, params.compute)


if __name__ == "__main__":
    run_stage("bert_encode", BertEncodeParams, main)
