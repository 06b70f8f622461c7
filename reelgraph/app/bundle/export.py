"""Export: the bundle with its model card, and its vectors in the formats of word2vec and TensorBoard."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MODEL_TYPE, BundleContents, write_bundle
from reelgraph.app.bundle.from_pipeline import collect_contents
from reelgraph.runtime.atomic_io import atomic_write, read_json, write_text
from reelgraph.runtime.errors import ArtifactError, InputError, PackageError

Vectors = Float32[np.ndarray, "movies dim"]

ONNX_PACKAGES = ("onnx", "onnxscript")
PROJECTOR_COLUMNS = ("movieId", "title", "year", "genre", "ratings")
CARD_FRONT_MATTER = """\
---
library_name: reelgraph
tags: [recommendation, rating-prediction, movies]
---

"""
CARD_USAGE = """
## How to use it

```python
import reelgraph

model = reelgraph.load(".")
history = [({first!r}, 4.5), ({second!r}, 2.0)]
print(model.predict(history, [{third!r}]))
print(model.recommend(history, top=5))
```

| file | contents |
| --- | --- |
| `model.safetensors` | weights of the rater ({weights:,} bytes) |
| `vectors.safetensors` | text vectors and graph embeddings of {movies:,} movies ({vectors:,} bytes) |
| `movies.parquet` | metadata of the movies |
| `config.json` | configuration of the rater |
| `test_results.json` | metrics on the test targets |

No file contains code.
"""
CARD_ONNX = """
`model.onnx` ({size:,} bytes) predicts with onnxruntime alone. Movies are given
by their row in `movies.parquet`, from 0.
`onnxruntime.InferenceSession("model.onnx").get_modelmeta().description` documents its inputs.
"""


def export(
    folder: Path,
    movielens: Path | None = None,
    onnx: bool = False,
    embeddings: bool = False,
    new_movies: Path | None = None,
) -> dict[str, int]:
    """Write the pipeline's model as a bundle; return the size of each file in bytes.

    Args:
        folder: folder of the bundle; an existing bundle is replaced.
        movielens: a MovieLens data set with the same movie ids, for titles; by default that of params.yaml.
        onnx: also write ``model.onnx``.
        embeddings: also write ``embeddings/NAME.txt`` and ``embeddings/NAME.tsv`` with ``metadata.tsv``.
        new_movies: a catalogue of movies to add; see ``reelgraph.app.bundle.new_movies``.

    Raises:
        ArtifactError: a stage has not run.
        InputError: the folder has other files, or the new movies can't be added.
        PackageError: a package of the extra ``onnx`` is not installed.
    """
    _require_replaceable(folder)
    contents = collect_contents(movielens=movielens)
    with tempfile.TemporaryDirectory(prefix="reelgraph-weights-") as scratch, atomic_write(folder) as draft:
        if new_movies is not None:
            from reelgraph.app.bundle.new_movies import add_new_movies  # imports the text encoder

            contents = add_new_movies(contents, new_movies, Path(scratch))
        write_bundle(replace(contents, card=_build_card(contents)), draft)
        if onnx:
            add_onnx(contents, draft)
        if embeddings:
            for name, vectors in contents.vectors.items():
                write_word2vec(contents.catalog, vectors, draft / "embeddings" / f"{name}.txt")
                write_projector(contents.catalog, vectors, draft / "embeddings" / f"{name}.tsv")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def add_onnx(contents: BundleContents, folder: Path) -> None:
    """Add ``model.onnx`` to a bundle's folder, and its description to the model card.

    Raises:
        PackageError: a package of the extra ``onnx`` is not installed.
    """
    missing = [name for name in ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise PackageError(
            "--onnx",
            f"the packages {', '.join(ONNX_PACKAGES)}",
            f"no {missing[0]}",
            "pip install 'reelgraph[onnx]'",
        )
    from reelgraph.app.bundle.onnx_export import write_onnx  # imports onnxscript

    path = folder / "model.onnx"
    write_onnx(contents, path)
    card = (folder / "README.md").read_text(encoding="utf-8")
    write_text(card + CARD_ONNX.format(size=path.stat().st_size), folder / "README.md")


def write_word2vec(catalog: MovieCatalog, vectors: Vectors, path: Path) -> None:
    """Write vectors in word2vec's text format, with movieIds as words.

    Numbers are the shortest decimals that round to the same float32.
    """
    header = f"{len(vectors)} {vectors.shape[1]}\n"
    rows = zip(catalog.movie_ids.tolist(), _joined_rows(vectors, " "), strict=True)
    write_text(header + "".join(f"{movie} {numbers}\n" for movie, numbers in rows), path)


def write_projector(catalog: MovieCatalog, vectors: Vectors, path: Path) -> None:
    """Write vectors and ``metadata.tsv`` for TensorBoard's Embedding Projector."""
    write_text("".join(f"{numbers}\n" for numbers in _joined_rows(vectors, "\t")), path)
    rows = zip(
        catalog.movie_ids.tolist(),
        catalog.titles,
        catalog.years,
        [", ".join(genres) for genres in catalog.genre_lists],
        catalog.rating_counts.tolist(),
        strict=True,
    )
    lines = ["\t".join(PROJECTOR_COLUMNS)]
    for row in rows:
        lines.append("\t".join("" if cell is None else " ".join(str(cell).split()) for cell in row))
    write_text("".join(f"{line}\n" for line in lines), path.with_name("metadata.tsv"))


def _require_replaceable(folder: Path) -> None:
    """Raise if the folder has anything but a bundle, since export replaces the whole folder."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        is_bundle = read_json(folder / "config.json").get("model_type") == MODEL_TYPE
    except ArtifactError:
        is_bundle = False
    if not is_bundle:
        raise InputError(
            str(folder),
            "a new or empty folder, or a bundle to replace",
            "other files",
            "Choose another folder.",
        )


def _build_card(contents: BundleContents) -> str:
    catalog = contents.catalog
    first, second, third = (catalog.label(row % len(catalog)) for row in range(3))
    usage = CARD_USAGE.format(
        first=first,
        second=second,
        third=third,
        movies=len(catalog),
        weights=contents.weights.stat().st_size,
        vectors=sum(array.nbytes for array in contents.vectors.values()),
    )
    return CARD_FRONT_MATTER + contents.card + usage


def _joined_rows(vectors: Vectors, separator: str) -> Iterator[str]:
    return (separator.join(map(str, vector)) for vector in vectors)
