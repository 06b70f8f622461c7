"""Writing a bundle with a card that states sizes and how to load it, and its embeddings for other tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MODEL_TYPE, BundleContents, write_bundle
from reelgraph.app.bundle.from_pipeline import collect_contents, movielens_from_params
from reelgraph.runtime.atomic_io import atomic_write, read_json, write_text
from reelgraph.runtime.errors import ArtifactError, InputError

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

`model.safetensors` has the weights ({weights:,} bytes), `vectors.safetensors` MiniLM's vector and the graph
embedding of each of the {movies:,} movies ({vectors:,} bytes), `movies.parquet` what is known of them,
`config.json` what the weights belong to, `test_results.json` the figures. Nothing in it is code.
"""
CARD_ONNX = """
`model.onnx` ({size:,} bytes) predicts by onnxruntime alone. Movies are rows of `movies.parquet`, from 0;
`onnxruntime.InferenceSession("model.onnx").get_modelmeta().description` tells more.
"""


def export(
    folder: Path, movielens: Path | None = None, onnx: bool = False, embeddings: bool = False
) -> dict[str, int]:
    """Write the pipeline's model as a bundle; return the bytes of each file.

    Args:
        folder: where it goes.
        movielens: an edition of MovieLens with the same movie ids, for titles; else that of params.yaml.
        onnx: also ``model.onnx``.
        embeddings: also ``embeddings/NAME.txt`` and ``embeddings/NAME.tsv`` with ``metadata.tsv``.

    Raises:
        ArtifactError: a stage has not run.
        InputError: the folder is something else.
        PackageError: a package is missing.
    """
    _require_replaceable(folder)
    contents = collect_contents(movielens=movielens or movielens_from_params())
    with atomic_write(folder) as draft:
        write_bundle(replace(contents, card=_card(contents)), draft)
        if onnx:
            add_onnx(contents, draft)
        if embeddings:
            for name, vectors in contents.vectors.items():
                write_word2vec(contents.catalog, vectors, draft / "embeddings" / f"{name}.txt")
                write_projector(contents.catalog, vectors, draft / "embeddings" / f"{name}.tsv")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def add_onnx(contents: BundleContents, folder: Path) -> None:
    """Write ``model.onnx`` into a bundle's folder, and its size into the card.

    Raises:
        PackageError: a package is missing.
    """
    from reelgraph.app.bundle.onnx_export import write_onnx  # torch

    write_onnx(contents, folder / "model.onnx")
    card = (folder / "README.md").read_text(encoding="utf-8")
    write_text(card + CARD_ONNX.format(size=(folder / "model.onnx").stat().st_size), folder / "README.md")


def _require_replaceable(folder: Path) -> None:
    """Refuse a folder that has anything but a bundle, since it is replaced as a whole."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        ours = read_json(folder / "config.json").get("model_type") == MODEL_TYPE
    except ArtifactError:
        ours = False
    if not ours:
        raise InputError(str(folder), "a new or empty folder, or a bundle to replace", "something else",
                         "Name another folder.")  # fmt: skip


def format_sizes(folder: Path, sizes: dict[str, int]) -> str:
    """Return what was written, as text."""
    lines = [f"{size:>13,} bytes  {name}" for name, size in sizes.items()]
    whole = f"{sum(sizes.values()):>13,} bytes  in all"
    return "\n".join([*lines, whole, f'Load it with reelgraph.load("{folder}").'])


def _card(contents: BundleContents) -> str:
    library = contents.catalog
    names = [library.label(row % len(library)) for row in range(3)]
    use = CARD_USAGE.format(
        first=names[0], second=names[1], third=names[2], movies=len(library),
        weights=contents.weights.stat().st_size,
        vectors=sum(each.nbytes for each in contents.vectors.values()),
    )  # fmt: skip
    return CARD_FRONT_MATTER + contents.card + use


Vectors = Float32[np.ndarray, "movies dim"]

PROJECTOR_COLUMNS = ("movieId", "title", "year", "genre", "ratings")


def write_word2vec(library: MovieCatalog, vectors: Vectors, path: Path) -> None:
    """Write a line with the counts, then a line a movie: its movieId, a space, its numbers.

    Numbers are the shortest that are the same float32 again.
    """
    head = f"{len(vectors)} {vectors.shape[1]}\n"
    each = zip(library.movie_ids.tolist(), _numbers(vectors, " "), strict=True)
    write_text(head + "".join(f"{movie} {numbers}\n" for movie, numbers in each), path)


def write_projector(library: MovieCatalog, vectors: Vectors, path: Path) -> None:
    """Write the vectors, and ``metadata.tsv`` beside them: what to load at projector.tensorflow.org."""
    write_text("".join(f"{numbers}\n" for numbers in _numbers(vectors, "\t")), path)
    rows = zip(library.movie_ids.tolist(), library.titles, library.years, library.genres,
               library.rating_counts.tolist(), strict=True)  # fmt: skip
    lines = ("\t".join("" if cell is None else " ".join(str(cell).split()) for cell in row) for row in rows)
    write_text(
        "\t".join(PROJECTOR_COLUMNS) + "\n" + "".join(f"{line}\n" for line in lines),
        path.with_name("metadata.tsv"),
    )


def _numbers(vectors: Vectors, separator: str) -> Iterator[str]:
    return (separator.join(map(str, row)) for row in vectors)
