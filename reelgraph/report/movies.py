"""Sections on the movies and the run: the map, the embeddings, the links, the data and the params."""

from __future__ import annotations

import base64
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa

from reelgraph.core.schemas.vectors import MapLayout
from reelgraph.report import charts, labels, tables
from reelgraph.report.inputs import Curve, Inputs, Metrics
from reelgraph.report.labels import fixed, label
from reelgraph.report.page import Figure, Section, to_figure
from reelgraph.report.results import missing_notes, study_notes
from reelgraph.report.tables import Table

AVERAGES = ("micro", "macro")
HITS = ("hits_1", "hits_3", "hits_10")
N_COLORS = 9
"""Genres with a colour, the most frequent ones; more colours are hard to distinguish."""
MAX_GENRES = 254
MAX_COORDINATE = 65535


def map_section(inputs: Inputs) -> Section:
    """Return the section with the interactive map."""
    count = len(inputs.map_layout.movie_ids)
    text = (
        f"All {count:,} movies in two dimensions: movies with similar embedding vectors "
        f"({label(inputs.params['model']['embedding'])}) are near each other. {labels.MAP_CAPTION}"
    )
    return Section("map", "Map", "Map of all movies", texts=[text], map_size=f"{count:,}")


def read_other_titles(folder: str, movies: pa.Table) -> list[list[str]]:
    """Return the English and the alternative titles of each movie in a MovieLens data set.

    Args:
        folder: the data set; empty returns no title.
        movies: movie_id and original_title.

    Raises:
        InputError: the folder is not a MovieLens data set.
    """
    if not folder:
        return [[] for _ in range(len(movies))]
    # The readers import the table engine, which takes a second.
    from reelgraph.sources.movielens_files import find_movielens_files
    from reelgraph.sources.titles import titles_by_movie

    titles = titles_by_movie(find_movielens_files(Path(folder)).read_movies())
    others = []
    for movie_id, original in zip(
        *movies.select(["movie_id", "original_title"]).to_pydict().values(), strict=True
    ):
        title, alternatives = titles.get(movie_id, ("", []))
        others.append([name for name in (title, *alternatives) if name and name != original])
    return others


def map_json(movies: pa.Table, layout: MapLayout, other_titles: list[list[str]]) -> str:
    """Return the map's data as JSON that is safe inside a script element.

    Args:
        movies: movie_id, original_title, release_year and genre_1, in the layout's row order.
        layout: coordinates and nearest neighbours.
        other_titles: further titles of each movie, by which the search finds it.
    """
    movie_ids = movies["movie_id"].to_pylist()
    titles = movies["original_title"].to_pylist()
    genres, genre = _encode_genres(movies["genre_1"].to_pylist())
    year = np.nan_to_num(movies["release_year"].to_numpy().astype(np.float64)).astype("<i2")
    payload = {
        "x": _to_base64(_quantize(layout.x, layout), "<u2"),
        "y": _to_base64(_quantize(layout.y, layout), "<u2"),
        "neighbours": _to_base64(layout.neighbours, "<u4"),
        "nearest": layout.neighbours.shape[1],
        "genre": _to_base64(genre, "u1"),
        "genres": genres,
        "coloured": min(N_COLORS, len(genres) - 1),
        "year": _to_base64(year, "<i2"),
        "titles": [
            title or f"Unknown ({movie_id})" for title, movie_id in zip(titles, movie_ids, strict=True)
        ],
        "others": {row: names for row, names in enumerate(other_titles) if names},
    }
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _encode_genres(names: list[str | None]) -> tuple[list[str], np.ndarray]:
    """Return the genres in descending frequency, and each movie's index; the last is "no genre"."""
    counts = Counter(name for name in names if name)
    genres = sorted(counts, key=lambda name: (-counts[name], name))[:MAX_GENRES]
    index = {name: i for i, name in enumerate(genres)}
    return [*genres, "no genre"], np.array([index.get(name or "", len(genres)) for name in names], np.uint8)


def _quantize(values: np.ndarray, layout: MapLayout) -> np.ndarray:
    """Map the values of one axis to 0 … 65535; both axes have the same scale."""
    width = max(np.ptp(layout.x), np.ptp(layout.y)) or 1.0
    centre = (values.max() + values.min()) / 2
    return np.rint(((values - centre) / width + 0.5) * MAX_COORDINATE)


def _to_base64(values: np.ndarray, dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values).astype(dtype).tobytes()).decode()


def embeddings_section(inputs: Inputs) -> Section:
    """Return the statistics of the sets of movie vectors."""
    figures = []
    if inputs.spectra:
        spectra = {label(name): curve for name, curve in inputs.spectra.items()}
        chart = charts.draw_curves(
            spectra, "rank", "singular value / largest", "Spectrum of each set", log=True
        )
        figures.append(to_figure("Spectra", chart, labels.SPECTRA_CAPTION))
    raw, *postprocessed = tables.embedding_tables(inputs.metrics["embeddings"])
    probe = inputs.studies["probe"]
    probe_rows = {
        f"{name}, {processing}": row
        for name, by_processing in probe.metrics.items()
        for processing, row in by_processing.items()
    }
    probe_table = tables.nested_table(probe_rows, "The same linear probe on each set, in stars", "vectors")
    return Section(
        "embeddings",
        "Embeddings",
        "Movie embeddings",
        texts=[labels.EMBEDDINGS_CAPTION],
        notes=study_notes("probe", probe),
        figures=figures,
        tables=[raw, probe_table] if probe_rows else [raw],
        folded_title="After centring, removing the top components, and whitening",
        folded=postprocessed,
    )


def links_section(inputs: Inputs) -> Section:
    """Return the link prediction metrics."""
    links = inputs.metrics["links"]
    if not links:
        return Section("links", "Links", "Link prediction", notes=missing_notes(links))
    models = dict(sorted(links.items(), key=lambda item: (item[0] != "gnn", item[0])))
    chart = charts.draw_dots(_mrr_by_relation(models), "MRR, log axis", "MRR by relation")
    figures = [
        to_figure("MRR by relation", chart, labels.LINKS_CAPTION),
        *_training_figure(inputs.link_curve),
    ]
    return Section(
        "links",
        "Links",
        "Link prediction",
        texts=[" ".join(_summarize_links(models, average) for average in AVERAGES)],
        figures=figures,
        tables=[tables.links_table(models, "mrr", "MRR by relation; higher is better")],
        folded_title="Hits@1, @3 and @10",
        folded=[tables.links_table(models, metric, f"{label(metric)} by relation") for metric in HITS],
    )


def _training_figure(curve: Curve) -> list[Figure]:
    if not curve:
        return []
    chart = charts.draw_curves({"GNN": curve}, "epoch", "validation MRR", "MRR of validation edges by epoch")
    return [to_figure("Training of the GNN", chart, labels.LINK_TRAINING_CAPTION)]


def _mrr_by_relation(models: Metrics) -> dict[str, dict[str, float]]:
    relations = dict.fromkeys(key for model in models.values() for key in model if key not in AVERAGES)
    return {
        label(relation): {
            label(name): model[relation]["mrr"] for name, model in models.items() if relation in model
        }
        for relation in (*relations, *AVERAGES)
    }


def _summarize_links(models: Metrics, average: str) -> str:
    ranked = sorted(models, key=lambda name: -models[name][average]["mrr"])
    best, second = (f"{label(name)} ({fixed(models[name][average]['mrr'])})" for name in ranked[:2])
    return f"The highest {average} MRR is that of {best}, followed by {second}."


def data_section(inputs: Inputs) -> Section:
    """Return the counts of the stages, the training of the graph networks, and all params."""
    counts = [
        Table(label(part).capitalize(), ("count", ""), _flat_rows(metrics))
        for part, metrics in inputs.metrics["data"].items()
    ]
    networks = [
        Table(
            f"Network {label(name)}", ("", ""), _flat_rows({"epochs": len(curve), "final_loss": curve[-1][1]})
        )
        for name, curve in inputs.gnn_curves.items()
        if curve
    ]
    params = [
        Table(section, ("param", "value"), list(tables.flatten(_as_section(section, content))))
        for section, content in inputs.params.items()
    ]
    return Section(
        "data",
        "Data",
        "Data and params",
        folded_title="Counts of the stages, and all params",
        folded=[*counts, *networks, *params],
    )


def _as_section(key: str, content: object) -> Metrics:
    return content if isinstance(content, dict) else {key: content}


def _flat_rows(metrics: Metrics) -> list[tuple[str, str]]:
    return [(label(key.replace(".", ": ")), value) for key, value in tables.flatten(metrics)]
