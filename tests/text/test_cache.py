from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from reelgraph.text.cache import encode_with_cache, fingerprint
from reelgraph.text.sentence_model import to_bfloat16_checked


class RecordingEncoder:
    """Returns vectors that identify their text, and records what it encoded."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.calls.append(texts)
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


def test_encode_with_cache_encodes_only_missing_texts_and_each_once(tmp_path: Path) -> None:
    encode = RecordingEncoder()
    expected = RecordingEncoder()
    folder = tmp_path / "cache"
    first = ["b", "aa", "b"]
    second = ["aa", "ccc", "b", "ccc"]
    for texts in (first, second, first[::-1]):
        np.testing.assert_array_equal(encode_with_cache(folder, texts, encode), expected(texts))
    assert encode.calls == [["aa", "b"], ["ccc"]]


@pytest.mark.parametrize("name", ["keys.npy", "vectors.npy"])
def test_encode_with_cache_rebuilds_a_damaged_cache(tmp_path: Path, name: str) -> None:
    encode = RecordingEncoder()
    folder = tmp_path / "cache"
    encode_with_cache(folder, ["a", "b"], encode)
    file = folder / name
    for damaged in (b"", b"no array", file.read_bytes()[:-3]):
        file.write_bytes(damaged)
        vectors = encode_with_cache(folder, ["a", "b"], encode)
        np.testing.assert_array_equal(vectors, RecordingEncoder()(["a", "b"]))
    assert len(encode.calls) == 4


def test_encode_with_cache_accepts_an_empty_list(tmp_path: Path) -> None:
    assert len(encode_with_cache(tmp_path / "cache", [], RecordingEncoder())) == 0


def test_fingerprint_depends_on_precision_and_batch_size(model) -> None:
    assert fingerprint(model, 16) == fingerprint(copy.deepcopy(model), 16)
    bf16_model = to_bfloat16_checked(model, ["[empty]"])
    assert len({fingerprint(model, 16), fingerprint(model, 8), fingerprint(bf16_model, 16)}) == 3
