"""Stage bert_encode: movies → one text vector a movie."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.torch_setup import prepare, where
from reelgraph.params.text import TextParams
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.vectors import write_vectors
from reelgraph.text.cache import cached, fingerprint
from reelgraph.text.encoder import encode, load_encoder
from reelgraph.text.half import halved
from reelgraph.text.movie_text import movie_texts, text_counts
from reelgraph.text.weights import locate

MOVIES = Path("data/movies.parquet")
VECTORS = Path("data/text_vectors.parquet")
CACHE = Path(".cache/text")
COUNTS = Path("data/counts/text.json")


def bert_encode(params: TextParams) -> str:
    """Encode the movies' texts."""
    device = prepare(params.compute)
    movies = read_movies(MOVIES, ("movie_id", "tagline", "overview"))
    texts = movie_texts(movies)
    model, given = load_encoder(locate(params.text.model), device), texts.to_pylist()
    size = params.text.batch_size
    if params.text.precision == "bfloat16":
        model = halved(model, given)
    counts = text_counts(texts)
    with resumable("bert_encode", params, [MOVIES]) as resume:
        state = resume.state("vectors")
        folder = CACHE / fingerprint(model, size)
        vectors = cached(folder, given, lambda new: encode(model, new, size, state))
        write_vectors(movies["movie_id"].to_numpy(), vectors, VECTORS)
    write_json(counts, COUNTS)
    summary = f"{counts['movies']:,} movies, {counts['nonempty_share']:.1%} with a text, {vectors.shape[1]} d"
    return summary + where(device, params.compute)


if __name__ == "__main__":
    run("bert_encode", TextParams, bert_encode)
