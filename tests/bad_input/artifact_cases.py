"""Damaged files between stages, one case each, for the next stage to refuse."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file

from reelgraph.core.schemas.vectors import write_vectors
from tests.helpers.stage_cases import Case, run_case, write_params

ORDER = (
    "ingest", "filter", "build_kg", "project", "train_gnn", "make_sequences", "baselines",
    "train_ranker", "train_rater", "evaluate",
)  # fmt: skip


def finished_run(folder: Path) -> None:
    """Run the stages on a small demo; the text vectors are random."""
    write_params(folder, {})
    for stage in ORDER:
        if stage == "project":
            ids = pq.read_table(folder / "data/movies.parquet")["movieId"].to_numpy()
            vectors = np.random.default_rng(0).normal(size=(len(ids), 384)).astype(np.float32)
            write_vectors(ids, vectors, folder / "data/text_vectors.parquet")
            (folder / "data/links").mkdir()
            (folder / "data/links/chosen.json").write_text('{"epochs": 1}')
        result = run_case(Case(stage, lambda folder: None), folder)
        assert result["exit"] == 0, result


class Exploit:
    """Would make a folder if it were loaded."""

    def __reduce__(self) -> tuple:
        return os.mkdir, ("exploited",)


def damage(stage: str, file: str, how: Callable[[Path], object]) -> Case:
    return Case(stage, lambda folder: how(folder / "data" / file) and None, needs_finished_run=True)


def change_table(stage: str, file: str, change: Callable[[pa.Table], pa.Table]) -> Case:
    return damage(stage, file, lambda path: pq.write_table(change(pq.read_table(path)), path))


def set_column(name: str, values: Callable[[list], list]) -> Callable[[pa.Table], pa.Table]:
    def change(rows: pa.Table) -> pa.Table:
        item, kind = rows.column_names.index(name), rows.schema.field(name).type
        return rows.set_column(item, name, [pa.array(values(rows[name].to_pylist()), kind)])

    return change


def change_array(stage: str, file: str, change: Callable[[np.ndarray], np.ndarray]) -> Case:
    return damage(stage, file, lambda path: np.save(path, change(np.load(path))))


def set_item(item: int, value: object) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[item] = value
        return values

    return change


def change_weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Case:
    return damage(
        "evaluate", "rater/train.safetensors", lambda path: save_file(change(load_file(path)), path)
    )


def change_bytes(stage: str, file: str, content: bytes | Callable[[bytes], bytes]) -> Case:
    def change(path: Path) -> None:
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))

    return damage(stage, file, change)


def remove(stage: str, file: str) -> Case:
    return damage(stage, file, lambda path: shutil.rmtree(path) if path.is_dir() else path.unlink())


def first_key(tensors: dict[str, torch.Tensor]) -> str:
    return min(tensors)


VECTORS = "text_vectors.parquet"
EMB = "emb_kg_gnn_bert.parquet"

TABLES = {
    "catalogue gone": remove("filter", "catalog.parquet"),
    "catalogue with another type": change_table("filter", "catalog.parquet",
                                         lambda t: t.set_column(0, "movieId", t["movieId"].cast("int32"))),
    "catalogue with an id twice": change_table("filter", "catalog.parquet", set_column("movieId", lambda v: v[:1] + v[:-1])),
    "ratings gone": remove("filter", "ratings.parquet"),
    "ratings cut": change_bytes("filter", "ratings.parquet", lambda b: b[: len(b) // 2]),
    "ratings off the scale": change_table("make_sequences", "ratings.parquet",
                                   set_column("rating", lambda v: [9.0, *v[1:-1], -1.0])),
    "ratings NaN": change_table("make_sequences", "ratings.parquet", set_column("rating", lambda v: [float("nan"), *v[1:]])),
    "ratings of no movie": change_table("filter", "ratings.parquet", set_column("movieId", lambda v: [10**6] * len(v))),
    "ratings without rows": change_table("make_sequences", "ratings.parquet", lambda t: t.slice(0, 0)),
    "movies out of order": change_table("build_kg", "movies.parquet", lambda t: t.take(list(range(len(t)))[::-1])),
    "movies with an id twice": change_table("layout_map", "movies.parquet", set_column("movieId", lambda v: v[:1] + v[:-1])),
    "movies without rows": change_table("build_kg", "movies.parquet", lambda t: t.slice(0, 0)),
    "movies without a column": change_table("build_kg", "movies.parquet", lambda t: t.drop_columns("genre_1")),
    "movies out of time": change_table("evaluate", "movies.parquet", set_column("release_year", lambda v: [99999, *v[1:]])),
    "movies without any entity": change_table("build_kg", "movies.parquet", lambda t: pa.table(
        {n: t[n] if n == "movieId" else pa.nulls(len(t), t.schema.field(n).type) for n in t.column_names})),
}  # fmt: skip

OF_VECTORS = {
    "gone": remove("project", VECTORS),
    "no parquet": change_bytes("project", VECTORS, b"nothing"),
    "cut": change_bytes("project", VECTORS, lambda b: b[:-9]),
    "empty": change_bytes("project", VECTORS, b""),
    "without rows": change_table("project", VECTORS, lambda t: t.slice(0, 0)),
    "of other columns": change_table("project", VECTORS, lambda t: t.rename_columns(["id", "vector"])),
    "as text": change_table("project", VECTORS, lambda t: pa.table({"movieId": t["movieId"], "embedding": ["x"] * len(t)})),
    "ragged": change_table("project", VECTORS, set_column("embedding", lambda v: [v[0][:-1], v[1][:5], *v[2:]])),
    "a vector missing": change_table("project", VECTORS, set_column("embedding", lambda v: [None, *v[1:]])),
    "a number missing": change_table("project", VECTORS, set_column("embedding", lambda v: [[None, *v[0][1:]], *v[1:]])),
    "of no dimension": change_table("project", VECTORS, set_column("embedding", lambda v: [[] for _ in v])),
    "NaN": change_table("project", VECTORS, set_column("embedding", lambda v: [[float("nan"), *v[0][1:]], *v[1:]])),
    "infinite": change_table("project", VECTORS, set_column("embedding", lambda v: [*v[:-1], [float("inf"), *v[-1][1:]]])),
    "a movie twice": change_table("project", VECTORS, set_column("movieId", lambda v: v[:1] + v[:-1])),
    "a movie missing": change_table("layout_map", EMB, lambda t: t.slice(1)),
    "a movie too many": change_table("layout_map", EMB, lambda t: pa.concat_tables([t, set_column(
        "movieId", lambda v: [-5] * len(v))(t.slice(0, 1))])),
    "an id missing": change_table("project", VECTORS, set_column("movieId", lambda v: [None, *v[1:]])),
    "of other movies": change_table("train_gnn", "movie_features.parquet",
                             set_column("movieId", lambda v: [x + 10**6 for x in v])),
    "of another dimension": damage("evaluate", EMB, lambda path: write_vectors(
        pq.read_table(path)["movieId"].to_numpy(), np.ones((pq.read_table(path).num_rows, 5), np.float32), path)),
    "of float64": change_table("project", VECTORS, lambda t: t.set_column(
        1, "embedding", t["embedding"].cast(pa.list_(pa.float64())))),
}  # fmt: skip

KG = {
    "gone": remove("train_gnn", "kg"),
    "without edges": remove("train_gnn", "kg/edges.parquet"),
    "ids of another type": change_array("train_gnn", "kg/movie_ids.npy", lambda a: a.astype(float)),
    "a movie twice": change_array("train_gnn", "kg/movie_ids.npy", lambda a: np.append(a[:1], a[:-1])),
    "fewer movies": change_array("train_gnn", "kg/movie_ids.npy", lambda a: a[:5]),
    "vectors NaN": change_array("train_gnn", "kg/entity_vectors.npy", set_item(3, np.nan)),
    "vectors too few": change_array("train_gnn", "kg/entity_vectors.npy", lambda a: a[:-1]),
    "vectors of float64": change_array("train_gnn", "kg/entity_vectors.npy", lambda a: a.astype(float)),
    "vectors as a pickle": damage("train_gnn", "kg/entity_vectors.npy", lambda path: np.save(
        path, np.array([Exploit()], dtype=object), allow_pickle=True)),
    "vectors that are a pickle": change_bytes("train_gnn", "kg/entity_vectors.npy", pickle.dumps(Exploit())),
    "an unknown type": change_table("train_gnn", "kg/entities.parquet",
                             set_column("type", lambda v: ["planet", *v[1:]])),
    "an edge to nothing": change_table("train_gnn", "kg/edges.parquet",
                                set_column("entity_index", lambda v: [99999, *v[1:]])),
    "an edge from nothing": change_table("train_gnn", "kg/edges.parquet",
                                  set_column("movie_row", lambda v: [-1, *v[1:]])),
    "edges out of order": change_table("train_gnn", "kg/edges.parquet",
                                lambda t: t.take(list(range(len(t)))[::-1])),
    "an edge twice": change_table("train_gnn", "kg/edges.parquet",
                           lambda t: pa.concat_tables([t.slice(0, 1), t])),
    "a name missing": change_table("train_gnn", "kg/entities.parquet",
                            set_column("name", lambda v: [None, *v[1:]])),
    "no edges at all": change_table("train_gnn", "kg/edges.parquet", lambda t: t.slice(0, 0)),
    "columns renamed": change_table("train_gnn", "kg/edges.parquet",
                             lambda t: t.rename_columns(["type", "row", "entity"])),
    "no number of epochs": change_bytes("train_gnn", "links/chosen.json", b"{}"),
    "epochs as text": change_bytes("train_gnn", "links/chosen.json", b'{"epochs": "many", "more": 1}'),
    "epochs 0": change_bytes("train_gnn", "links/chosen.json", b'{"epochs": 0}'),
    "chosen cut": change_bytes("train_gnn", "links/chosen.json", b'{"epo'),
}  # fmt: skip

HISTORIES = {
    "gone": remove("baselines", "sequences"),
    "without codes": remove("baselines", "sequences/half_star_code.npy"),
    "cut": change_bytes("baselines", "sequences/half_star_code.npy", lambda b: b[:-7]),
    "a header cut": change_bytes("baselines", "sequences/half_star_code.npy", lambda b: b[:20]),
    "a header of code": change_bytes("baselines", "sequences/half_star_code.npy", lambda b: b.replace(
        b"'descr'", b"__impo")),
    "a pickle": damage("baselines", "sequences/half_star_code.npy", lambda path: np.save(
        path, np.array([Exploit()], dtype=object), allow_pickle=True)),
    "codes of another type": change_array("baselines", "sequences/half_star_code.npy", lambda a: a.astype(np.int64)),
    "codes of two dimensions": change_array("baselines", "sequences/half_star_code.npy", lambda a: a[:, None]),
    "codes off the scale": change_array("baselines", "sequences/half_star_code.npy", set_item(3, 11)),
    "codes 0": change_array("baselines", "sequences/half_star_code.npy", set_item(slice(0, 9), 0)),
    "fewer codes": change_array("baselines", "sequences/half_star_code.npy", lambda a: a[:-1]),
    "rows below 0": change_array("baselines", "sequences/movie_row.npy", set_item(0, -1)),
    "rows beyond the movies": change_array("train_rater", "sequences/movie_row.npy", set_item(0, 10**6)),
    "times below 0": change_array("baselines", "sequences/timestamp.npy", set_item(0, -5)),
    "times out of order": change_array("baselines", "sequences/timestamp.npy", set_item(2, 0)),
    "offsets that go back": change_array("baselines", "sequences/offsets.npy", set_item(1, 10**6)),
    "offsets too short": change_array("baselines", "sequences/offsets.npy", lambda a: a[:-1]),
    "users not ascending": change_array("baselines", "sequences/user_id.npy", lambda a: a[::-1]),
    "training beyond validation": change_array("baselines", "sequences/train_end.npy", lambda a: a + 5),
    "targets beyond the end": change_array("baselines", "sequences/test.npy", set_item(0, 10**7)),
    "test targets among training rows": change_array("baselines", "sequences/test.npy", lambda a: a - 5),
    "a target twice": change_array("baselines", "sequences/val.npy", lambda a: np.append(a, a[:1])),
    "no validation targets": change_array("train_rater", "sequences/val.npy", lambda a: a[:0]),
    "no training targets": change_array("train_rater", "sequences/train.npy", lambda a: a[:0]),
    "no test targets": change_array("evaluate", "sequences/test.npy", lambda a: a[:0]),
}  # fmt: skip

RATER = {
    "gone": remove("evaluate", "rater"),
    "weights gone": remove("evaluate", "rater/train.safetensors"),
    "a key missing": change_weights(lambda t: {k: v for k, v in t.items() if k != first_key(t)}),
    "a key too many": change_weights(lambda t: {**t, "stranger": torch.ones(1)}),
    "keys renamed": change_weights(lambda t: {f"x.{k}": v for k, v in t.items()}),
    "another shape": change_weights(lambda t: {**t, first_key(t): torch.ones(3, 3)}),
    "another type": change_weights(lambda t: {k: v.to(torch.int32) for k, v in t.items()}),
    "float64": change_weights(lambda t: {k: v.double() for k, v in t.items()}),
    "NaN": change_weights(lambda t: {**t, first_key(t): torch.full_like(t[first_key(t)], float("nan"))}),
    "empty": change_bytes("evaluate", "rater/train.safetensors", b""),
    "cut": change_bytes("evaluate", "rater/train.safetensors", lambda b: b[:-10]),
    "a header too long": change_bytes("evaluate", "rater/train.safetensors", lambda b: struct.pack("<Q", 2**62) + b[8:]),
    "a header of garbage": change_bytes("evaluate", "rater/train.safetensors", lambda b: b[:8] + b"\xff" * 64 + b[72:]),
    "offsets that overlap": change_bytes("evaluate", "rater/train.safetensors", lambda b: _overlapping(b)),
    "a pickle": change_bytes("evaluate", "rater/train.safetensors", pickle.dumps(Exploit())),
    "torch's own format": damage("evaluate", "rater/train.safetensors", lambda path: torch.save(
        {"x": torch.ones(1)}, path)),
    "no configuration": remove("evaluate", "rater/config.json"),
    "a configuration of other params": damage("evaluate", "rater/config.json", lambda path: _changed(
        path, "model", hidden_dim=16)),
    "a configuration of another rater": damage("evaluate", "rater/config.json", lambda path: _changed(
        path, "model", type="transformer")),
    "a configuration with a key too many": damage("evaluate", "rater/config.json", lambda path: _changed(
        path, "model", colour="red", dropout=7)),
    "a configuration as list": change_bytes("evaluate", "rater/config.json", b"[1]"),
    "a configuration with NaN": damage("evaluate", "rater/config.json", lambda path: path.write_text(
        path.read_text().replace('"dropout": 0.1', '"dropout": NaN'))),
    "a configuration too deep": change_bytes("evaluate", "rater/config.json", b"[" * 100_000),
    "a history of nothing": change_bytes("evaluate", "rater/history.json", b"{}"),
    "predictions of a baseline gone": remove("evaluate", "baselines/bias/train.npy"),
    "predictions too few": change_array("evaluate", "baselines/bias/val.npy", lambda a: a[:-1]),
    "predictions NaN": change_array("evaluate", "baselines/bias/train.npy", set_item(0, np.nan)),
    "predictions off the scale": change_array("evaluate", "baselines/bias/train.npy", lambda a: a * 2),
    "predictions of float32": change_array("evaluate", "baselines/bias/train.npy", lambda a: a.astype(np.float32)),
    "the demo's truth cut": remove("evaluate", "truth/factors.npy"),
    "the demo's truth NaN": change_array("evaluate", "truth/factors.npy", lambda a: a * np.nan),
    "the truth of another demo": change_array("evaluate", "truth/movie_id.npy", lambda a: a + 10**6),
}  # fmt: skip

RANKER = {
    "gone": remove("evaluate", "ranker"),
    "an array gone": remove("evaluate", "ranker/blend/mean_stars.npy"),
    "an array cut": change_bytes("evaluate", "ranker/blend/mean_stars.npy", lambda b: b[:-3]),
}


def _overlapping(content: bytes) -> bytes:
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + size])
    for entry in header.values():
        entry["data_offsets"][0] = 0
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def _changed(path: Path, section: str, **keys: object) -> None:
    values = json.loads(path.read_text())
    values[section] |= keys
    path.write_text(json.dumps(values))


CASES = {
    f"{group}: {name}": case
    for group, cases in {
        "artifact tables": TABLES, "vectors": OF_VECTORS, "graph": KG, "histories": HISTORIES, "rater": RATER,
        "ranker": RANKER,
    }.items()
    for name, case in cases.items()
}  # fmt: skip
