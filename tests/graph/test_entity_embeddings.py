from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reelgraph.graph.entity_embeddings import build_corpus, embed_names
from reelgraph.runtime.errors import InputError, PackageError
from reelgraph.schemas.columns import TEXT_COLUMNS

WORDS = ["a", "house", "by", "the", "sea", "where", "Ann", "Lee", "and", "Émile", "waits", "for", "rain"]


def catalogue(movies: int) -> pa.Table:
    rng = np.random.default_rng(0)
    cells = {name: [" ".join(rng.choice(WORDS, 5)) for _ in range(movies)] for name in TEXT_COLUMNS}
    cells["tagline"][0], cells["genre_1"][0] = None, " Drama \n"
    return pa.table(cells)


def test_a_line_holds_names_title_and_text() -> None:
    movies = pa.table({name: pa.array([name, None], pa.string()) for name in TEXT_COLUMNS})
    first, second = build_corpus(movies)
    assert first.startswith("actor_1 actor_2 actor_3 director_1")
    assert first.endswith("original_title tagline overview")
    assert second == ""


def test_training_twice_gives_the_same_bytes() -> None:
    movies, names = catalogue(60), ["Ann Lee", "Émile", "Nobody Known"]
    first, second = (embed_names("train", 3, movies, names) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert first.shape == (3, 300)
    assert np.isfinite(first).all()
    assert (np.linalg.norm(first[:2], axis=1) > 0).all()


def test_too_little_text_is_refused() -> None:
    movies = pa.table({name: pa.array(["once" if name == "tagline" else None]) for name in TEXT_COLUMNS})
    movies = movies.cast(pa.schema([(name, pa.string()) for name in TEXT_COLUMNS]))
    with pytest.raises(InputError, match="words that occur twice"):
        embed_names("train", 1, movies, ["once"])


def test_a_path_and_the_hub_are_read_from_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        huggingface_hub, "hf_hub_download", lambda *a: asked.append(a) or str(tmp_path / "hub")
    )
    with pytest.raises(InputError, match=r"hub: expected an unsupervised.* got no file"):
        embed_names("hub", 1, catalogue(1), ["x"])
    assert asked == [("facebook/fasttext-en-vectors", "model.bin")]
    with pytest.raises(InputError, match="got no file"):
        embed_names(str(tmp_path / "none.bin"), 1, catalogue(1), ["x"])


def test_a_hub_that_does_not_answer_is_a_package_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(PackageError, match="no route"):
        embed_names("hub", 1, catalogue(1), ["x"])
