"""What a bundle's folder has: movies, vectors, weights, configuration, card."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.params.base import Section
from reelgraph.params.model import RaterConfig
from reelgraph.runtime.atomic_io import (
    PARQUET_ERRORS,
    atomic_write,
    read_json,
    write_json,
    write_parquet,
    write_text,
)
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.columns import TEXT_COLUMNS

MODEL_TYPE: Literal["reelgraph"] = "reelgraph"
EXPORT_HINT = "Write the bundle again with `reelgraph export`."

MOVIES_SCHEMA = pa.schema(
    [
        ("movieId", pa.int64()),
        *((name, pa.string()) for name in TEXT_COLUMNS),
        ("release_year", pa.int64()),
        ("title", pa.string()),
        ("other_titles", pa.list_(pa.string())),
        ("imdb_id", pa.int64()),
        ("tmdb_id", pa.int64()),
        ("ratings", pa.int64()),
        ("x", pa.float32()),
        ("y", pa.float32()),
    ]
)
"""movies.parquet: the SPEC's columns; the title as people know it and other titles, ids elsewhere, where
these are known; the number of ratings; the place on the map."""

VECTOR_NAMES = ("text", "graph")
"""vectors.safetensors: MiniLM's of the text, and the embedding of the knowledge graph."""

REQUIRED_COLUMNS = ("movieId", "other_titles", "ratings", "x", "y")
"""Columns without null."""


class BundleConfig(Section):
    """config.json."""

    model_type: Literal["reelgraph"]
    format: Literal[1]
    """Of the folder; another one is refused."""
    reelgraph: str
    """Version that wrote it."""
    movies: int
    """Rows of movies.parquet."""
    rater: RaterConfig
    """What the weights belong to."""


@dataclass(frozen=True)
class BundleContents:
    """A bundle in memory, but for the rater's weights."""

    catalog: MovieCatalog
    vectors: dict[str, Float32[np.ndarray, "movies _"]]
    """By the names of ``VECTORS``, rows in the library's order."""
    config: BundleConfig
    weights: Path
    """What the rater's ``save`` wrote."""
    card: str
    """README.md."""
    results: dict[str, object]
    """test_results.json: figures on the test targets."""


def make_config(rater: RaterConfig, movies: int) -> BundleConfig:
    """Return the config.json of a new bundle."""
    return BundleConfig(
        model_type=MODEL_TYPE, format=1, reelgraph=version("reelgraph"), movies=movies, rater=rater
    )


def write_bundle(contents: BundleContents, folder: Path | str) -> None:
    """Write the folder; it appears as a whole, in place of an older one."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        (draft / "model.safetensors").write_bytes(contents.weights.read_bytes())
        vectors = {name: np.ascontiguousarray(each) for name, each in contents.vectors.items()}
        (draft / "vectors.safetensors").write_bytes(save(vectors))
        write_parquet(contents.catalog.table.cast(MOVIES_SCHEMA), draft / "movies.parquet")
        write_json(contents.config.model_dump(), draft / "config.json")
        write_json(contents.results, draft / "test_results.json")  # type: ignore[arg-type]
        write_text(contents.card, draft / "README.md")


def read_bundle(folder: Path | str) -> BundleContents:
    """Read what ``write_bundle`` wrote; nothing of it is executed.

    Raises:
        ArtifactError: a file is missing, broken, of another format, or the files don't fit together.
    """
    place = Path(folder)
    config = _config(place / "config.json")
    library = MovieCatalog(_movies(place / "movies.parquet", config.movies))
    vectors = _vectors(place / "vectors.safetensors", config.movies)
    card = _present(place / "README.md").read_text(encoding="utf-8")
    results: dict[str, object] = dict(read_json(_present(place / "test_results.json")))
    return BundleContents(library, vectors, config, _present(place / "model.safetensors"), card, results)


def _present(path: Path) -> Path:
    if not path.is_file():
        raise ArtifactError(str(path), "a file of a bundle", "no file", EXPORT_HINT)
    return path


def _config(path: Path) -> BundleConfig:
    try:
        return BundleConfig.model_validate(read_json(_present(path)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = f"{path}: {'.'.join(map(str, first['loc']))}"
        raise ArtifactError(where, f"a bundle's configuration ({first['msg']})", repr(first["input"])[:80],
                            EXPORT_HINT) from None  # fmt: skip


def _movies(path: Path, count: int) -> pa.Table:
    try:
        table = pq.read_table(_present(path), schema=MOVIES_SCHEMA).replace_schema_metadata(None)
    except PARQUET_ERRORS as error:
        raise ArtifactError(
            str(path), "a bundle's movies", str(error).splitlines()[0], EXPORT_HINT
        ) from error
    gaps = [name for name in REQUIRED_COLUMNS if table[name].null_count]
    if table.num_rows != count or gaps:
        got = f"{table.num_rows:,} rows" + (f", nulls in {gaps[0]}" if gaps else "")
        raise ArtifactError(str(path), f"{count:,} movies without gaps", got, EXPORT_HINT)
    return table.combine_chunks()


def _vectors(path: Path, count: int) -> dict[str, np.ndarray]:
    try:
        found = load_file(_present(path))
    except (SafetensorError, OSError) as error:
        raise ArtifactError(str(path), "vectors", str(error).splitlines()[0], EXPORT_HINT) from error
    for name in VECTOR_NAMES:
        each = found.get(name)
        if each is None or each.ndim != 2 or len(each) != count or not np.isfinite(each).all():
            shape = "none" if each is None else f"shape {each.shape}"
            raise ArtifactError(f"{path}: {name}", f"{count:,} finite vectors", shape, EXPORT_HINT)
    return {name: found[name].astype(np.float32, copy=False) for name in VECTOR_NAMES}
