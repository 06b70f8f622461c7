from __future__ import annotations

import socket
from pathlib import Path

import huggingface_hub
import numpy as np
import pyarrow as pa
import pytest

from reelgraph.core.schemas.columns import TEXT_COLUMNS
from reelgraph.graph.entity_embeddings import build_corpus, embed_names
from reelgraph.runtime.errors import InputError, PackageError

WORDS = ["a", "house", "by", "the", "sea", "where", "Ann", "Lee", "and", "Émile", "waits", "for", "rain"]


def movie_table(n_movies: int) -> pa.Table:
    rng = np.random.default_rng(0)
    cells = {name: [" ".join(rng.choice(WORDS, 5)) for _ in range(n_movies)] for name in TEXT_COLUMNS}
    cells["tagline"][0] = None
    cells["genre_1"][0] = " Drama \n"
    return pa.table(cells)


def test_build_corpus_joins_names_title_and_text() -> None:
    movies = pa.table({name: pa.array([name, None], pa.string()) for name in TEXT_COLUMNS})
    first, second = build_corpus(movies)
    assert first.startswith("actor_1 actor_2 actor_3 director_1")
    assert first.endswith("original_title tagline overview")
    assert second == ""


def test_build_corpus_treats_a_missing_column_as_null() -> None:
    movies = pa.table({"overview": ["a house"], "actor_1": ["Ann Lee"]})
    assert build_corpus(movies) == ["Ann Lee a house"]


def test_embed_names_is_reproducible_to_the_byte() -> None:
    movies = movie_table(60)
    names = ["Ann Lee", "Émile", "Nobody Known"]
    first, second = (embed_names("train", 3, movies, names) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.shape == (3, 300)
    assert np.isfinite(first).all()
    assert (np.linalg.norm(first[:2], axis=1) > 0).all()


def test_embed_names_rejects_too_little_text() -> None:
    movies = pa.table({name: pa.array(["once" if name == "tagline" else None]) for name in TEXT_COLUMNS})
    movies = movies.cast(pa.schema([(name, pa.string()) for name in TEXT_COLUMNS]))
    with pytest.raises(InputError, match="words that occur twice"):
        embed_names("train", 1, movies, ["once"])


def test_embed_names_reads_a_path_or_the_hub_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    downloads: list[tuple[str, ...]] = []

    def download(*args: str) -> str:
        downloads.append(args)
        return str(tmp_path / "hub")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: None)
    with pytest.raises(InputError, match=r"hub: expected an unsupervised.* got no file"):
        embed_names("hub", 1, movie_table(1), ["x"])
    assert downloads == [("facebook/fasttext-en-vectors", "model.bin")]
    with pytest.raises(InputError, match="got no file"):
        embed_names(str(tmp_path / "none.bin"), 1, movie_table(1), ["x"])


def test_embed_names_raises_if_the_hub_does_not_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts: list[object] = []

    def refuse(host: object, *_: object, **__: object) -> None:
        hosts.append(host)
        raise OSError("no route")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(PackageError, match=r"no route. Check the network, or set kg.fasttext to train"):
        embed_names("hub", 1, movie_table(1), ["x"])
    assert len(hosts) <= 2  # a download sends its request six times
