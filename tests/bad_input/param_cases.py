"""params.yaml, as people and strangers edit it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.helpers.params_text import replace_entry
from tests.helpers.stage_cases import DEFAULT_PARAMS, Case


def edit_text(old: str = "", new: str = "", stage: str = "train_rater") -> Case:
    """The project's params as text, with one piece replaced."""

    def prepare(folder: Path) -> bytes:
        text = Path("params.yaml").read_text(encoding="utf-8")
        assert old in text
        return text.replace(old, new, 1).encode()

    return Case(stage, prepare)


def edit_entry(path: str, entry: str) -> Case:
    """The project's params as text, with ``key: value`` of a key path replaced."""
    return Case("train_rater", lambda folder: replace_entry(path, entry).encode())


def params_file(content: bytes | Callable[[], bytes]) -> Case:
    return Case("train_rater", lambda folder: content if isinstance(content, bytes) else content())


def change_section(section: str, **keys: object) -> Case:
    changed = {**DEFAULT_PARAMS, section: {**DEFAULT_PARAMS[section], **keys}}
    return params_file(json.dumps(changed).encode())


CASES = {
    "params: a section unknown": edit_text("\ngp:", "\ngpp:"),
    "params: two sections unknown": params_file(b"colour: 1\nshape: 2\n"),
    "params: a section missing": params_file(json.dumps({k: v for k, v in DEFAULT_PARAMS.items() if k != "gp"}).encode()),
    "params: a key unknown": change_section("model", colour="red"),
    "params: a key renamed": edit_entry("model.hidden_dim", "hiden_dim: 128"),
    "params: seven keys wrong": change_section("gp", embedding_dim=0, cooccurrence_dim="16", context_length=1.5, batch_size=None, epochs=True,
                                       max_ratings=-1, colour=1),
    "params: a key twice": edit_entry("seed", "seed: 42\nseed: 43"),
    "params: a key twice deep down": edit_entry("gp.embedding_dim", "embedding_dim: 8\n  embedding_dim: 9"),
    "params: an anchor": edit_entry("seed", "seed: &a 42"),
    "params: an alias": edit_entry("train.epochs", "epochs: &e 30\n  batch: *e\n  x: 1"),
    "params: an alias of nothing": edit_entry("seed", "seed: *a"),
    "params: a billion laughs": params_file(b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n"),
    "params: a merge key": edit_entry("seed", "<<: {seed: 42}"),
    "params: a tag": edit_entry("seed", "seed: !!str 42"),
    "params: a tag that runs code": edit_entry("seed", "seed: !!python/object/apply:os.mkdir [exploited]"),
    "params: a date": edit_entry("model.type", "type: 2001-01-01"),
    "params: text for a number": change_section("model", hidden_dim="128"),
    "params: a float for a whole number": change_section("model", hidden_dim=128.0),
    "params: true for a whole number": change_section("train", epochs=True),
    "params: null": change_section("train", learning_rate=None),
    "params: a list": change_section("train", learning_rate=[0.1]),
    "params: a mapping": change_section("train", learning_rate={"value": 0.1}),
    "params: a section as text": params_file(json.dumps({**DEFAULT_PARAMS, "train": "fast"}).encode()),
    "params: NaN": edit_entry("train.learning_rate", "learning_rate: .nan"),
    "params: infinite": edit_entry("train.clip_norm", "clip_norm: .inf"),
    "params: 1e400": edit_entry("train.clip_norm", "clip_norm: 1e400"),
    "params: below its range": change_section("train", learning_rate=0.0),
    "params: above its range": change_section("model", dropout=1.0),
    "params: a seed below 0": params_file(json.dumps({**DEFAULT_PARAMS, "seed": -1}).encode()),
    "params: a seed beyond 64 bits": params_file(json.dumps({**DEFAULT_PARAMS, "seed": 2**63}).encode()),
    "params: a number of 5,000 digits": edit_entry("seed", "seed: " + "9" * 5000),
    "params: a text of 100,000 letters": change_section("model", type="x" * 100_000),
    "params: another kind of rater": change_section("model", type="lstm"),
    "params: a path as embedding": change_section("model", embedding="../../etc/passwd"),
    "params: heads that don't divide": change_section("model", type="transformer", heads=5),
    "params: empty": params_file(b""),
    "params: a comment only": params_file(b"# nothing\n"),
    "params: a list of sections": params_file(b"- seed\n- model\n"),
    "params: a word": params_file(b"reelgraph"),
    "params: two documents": edit_entry("seed", "seed: 42\n---\nseed: 43"),
    "params: a key that is a number": params_file(b"1: 2\nseed: 42\n"),
    "params: a key that is a list": params_file(b"? [a, b]\n: 2\n"),
    "params: tabs": edit_text("\n  embedding_dim: ", "\n\tembedding_dim: "),
    "params: an indentation off": edit_text("\n  embedding_dim: ", "\n   embedding_dim: "),
    "params: brackets deep": params_file(b"a: " + b"[" * 20_000),
    "params: levels deep": params_file(b"a: " + b"[" * 60 + b"]" * 60),
    "params: over 1 MB": params_file(b"# " + b"x" * 1_000_000),
    "params: Latin-1": params_file("seed: 42 # é".encode("latin-1")),
    "params: UTF-16": params_file("seed: 42".encode("utf-16")),
    "params: NUL": params_file(b"seed: 42\0"),
    "params: a binary": params_file(bytes(range(256))),
    "params: a folder": Case("train_rater", lambda folder: (folder / "params.yaml").mkdir()),
    "params: a key with a line end": params_file(b'"a\\nb": 1\n'),
    "params: demo means above the maximum": Case(
        "ingest", lambda folder: {"demo": {**DEFAULT_PARAMS["demo"], "mean_ratings": 50, "max_ratings": 20}}
    ),
    "params: a baseline unknown": Case(
        "baselines", lambda folder: {"baselines": {"bias": {"movie_damping": -1, "colour": 1}}}, needs_finished_run=True
    ),
    "params: a bad params.yaml with CRLF is fine": Case(
        "ingest", lambda folder: replace_entry("demo.users", "users: 20", replace_entry("demo.movies", "movies: 30",
        replace_entry("demo.mean_ratings", "mean_ratings: 10"))).replace("\n", "\r\n").encode()
    ),
}  # fmt: skip
