"""The files of a bundle: movies, vectors, weights, configuration, model card and test results."""

from __future__ import annotations

import hashlib
import shutil
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
from reelgraph.core.schemas.columns import TEXT_COLUMNS
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

MODEL_TYPE: Literal["reelgraph"] = "reelgraph"
EXPORT_HINT = "Write the bundle again with `reelgraph export`."

MOVIES_SCHEMA = pa.schema(
    [
        ("movieId", pa.int64()),
        *((name, pa.string()) for name in TEXT_COLUMNS),
        ("release_year", pa.int64()),
        ("runtime_minutes", pa.int64()),
        ("title", pa.string()),
        ("other_titles", pa.list_(pa.string())),
        ("other_genres", pa.list_(pa.string())),
        ("imdb_id", pa.int64()),
        ("tmdb_id", pa.int64()),
        ("source_movie_id", pa.string()),
        ("ratings", pa.int64()),
        ("x", pa.float32()),
        ("y", pa.float32()),
    ]
)
"""Schema of movies.parquet.

The catalogue's columns; title and alternative titles in the source's language; further genres;
ids at IMDb and TMDB; the id in the source if it is text; the number of training ratings; coordinates on the
2-D map.
"""

RANKER_FOLDER = "ranker"

VECTOR_NAMES = ("text", "graph")
"""Tensors of vectors.safetensors: MiniLM text vectors and knowledge graph embeddings."""

REQUIRED_COLUMNS = ("movieId", "other_titles", "other_genres", "ratings", "x", "y")
"""Columns of movies.parquet without nulls."""


class BundleConfig(Section):
    """config.json."""

    model_type: Literal["reelgraph"]
    format: Literal[4]
    """Version of the bundle format; other versions are rejected."""
    reelgraph: str
    """Version of reelgraph that wrote the bundle."""
    movies: int
    """Number of rows of movies.parquet."""
    rater: RaterConfig
    """Configuration of the rater whose weights the bundle has."""
    digests: dict[str, str]
    """SHA-256 of the files in ``_digested_files``, so that files of another bundle are refused."""


@dataclass(frozen=True)
class BundleContents:
    """The contents of a bundle; the rater's weights stay on disk."""

    catalog: MovieCatalog
    vectors: dict[str, Float32[np.ndarray, "movies _"]]
    """By the names in ``VECTOR_NAMES``; rows as in the catalogue."""
    config: BundleConfig
    weights: Path
    """A file written by the rater's ``save``."""
    card: str
    """Model card, README.md."""
    results: dict[str, object]
    """Metrics on the test targets, test_results.json."""
    ranker: Path | None = None
    """Folder written by ``save_ranker``; None: recommendations are ordered by stars."""


def make_config(rater: RaterConfig, movies: int) -> BundleConfig:
    """Return the config.json of a new bundle of so many movies; ``write_bundle`` adds the digests."""
    return BundleConfig(
        model_type=MODEL_TYPE,
        format=4,
        reelgraph=version("reelgraph"),
        movies=movies,
        rater=rater,
        digests={},
    )


def write_bundle(contents: BundleContents, folder: Path | str) -> None:
    """Write a bundle atomically, replacing an existing folder."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        shutil.copyfile(contents.weights, draft / "model.safetensors")
        if contents.ranker is not None:
            shutil.copytree(contents.ranker, draft / RANKER_FOLDER)
        vectors = {name: np.ascontiguousarray(array) for name, array in contents.vectors.items()}
        (draft / "vectors.safetensors").write_bytes(save(vectors))
        write_parquet(contents.catalog.table.cast(MOVIES_SCHEMA), draft / "movies.parquet")
        digests = {name: _digest(draft / name) for name in _digested_files(draft)}
        write_json(contents.config.model_dump() | {"digests": digests}, draft / "config.json")
        write_json(contents.results, draft / "test_results.json")  # type: ignore[arg-type]
        write_text(contents.card, draft / "README.md")


def read_bundle(folder: Path | str) -> BundleContents:
    """Read a bundle; no code in it is executed.

    Raises:
        ArtifactError: a file is missing, corrupt or of another format version, or the files are inconsistent.
    """
    path = Path(folder)
    config = _read_config(path / "config.json")
    digested_files = _digested_files(path)
    if missing := sorted(config.digests.keys() - set(digested_files)):
        raise _missing_file(path / missing[0])
    for name in digested_files:
        if _digest(_require_file(path / name)) != config.digests.get(name):
            expected = "the file that was exported with config.json"
            raise ArtifactError(str(path / name), expected, "another or a damaged one", EXPORT_HINT)
    results: dict[str, object] = dict(read_json(_require_file(path / "test_results.json"), EXPORT_HINT))
    return BundleContents(
        catalog=MovieCatalog(_read_movies(path / "movies.parquet", config.movies)),
        vectors=_read_vectors(path / "vectors.safetensors", config.movies),
        config=config,
        weights=path / "model.safetensors",
        card=_require_file(path / "README.md").read_text(encoding="utf-8"),
        results=results,
        ranker=path / RANKER_FOLDER if (path / RANKER_FOLDER).is_dir() else None,
    )


def _digested_files(folder: Path) -> list[str]:
    """Return the files whose rows belong together, by their paths in the bundle."""
    ranker = sorted(path.name for path in (folder / RANKER_FOLDER).glob("*.npy"))
    names = ("model.safetensors", "vectors.safetensors", "movies.parquet")
    return [*names, *(f"{RANKER_FOLDER}/{name}" for name in ranker)]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_file(path: Path) -> Path:
    if not path.is_file():
        raise _missing_file(path)
    return path


def _missing_file(path: Path) -> ArtifactError:
    return ArtifactError(str(path), "a file of a bundle", "no file", EXPORT_HINT)


def _read_config(path: Path) -> BundleConfig:
    try:
        return BundleConfig.model_validate(read_json(_require_file(path), EXPORT_HINT))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ArtifactError(
            f"{path}: {'.'.join(map(str, first['loc']))}",
            f"a bundle's configuration ({first['msg']})",
            repr(first["input"])[:80],
            EXPORT_HINT,
        ) from None


def _read_movies(path: Path, n_movies: int) -> pa.Table:
    try:
        table = pq.read_table(path, schema=MOVIES_SCHEMA).replace_schema_metadata(None)
    except PARQUET_ERRORS as error:
        message = str(error).splitlines()[0]
        raise ArtifactError(str(path), "the movies of a bundle", message, EXPORT_HINT) from error
    with_nulls = [name for name in REQUIRED_COLUMNS if table[name].null_count]
    if table.num_rows != n_movies or with_nulls:
        got = f"{table.num_rows:,} rows" + (f", nulls in {with_nulls[0]}" if with_nulls else "")
        raise ArtifactError(str(path), f"{n_movies:,} movies without nulls", got, EXPORT_HINT)
    return table.combine_chunks()


def _read_vectors(path: Path, n_movies: int) -> dict[str, np.ndarray]:
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            str(path), "a safetensors file", str(error).splitlines()[0], EXPORT_HINT
        ) from error
    for name in VECTOR_NAMES:
        array = tensors.get(name)
        if array is None or array.ndim != 2 or len(array) != n_movies or not np.isfinite(array).all():
            got = "none" if array is None else f"shape {array.shape}"
            raise ArtifactError(f"{path}: {name}", f"{n_movies:,} finite vectors", got, EXPORT_HINT)
    return {name: tensors[name].astype(np.float32, copy=False) for name in VECTOR_NAMES}
