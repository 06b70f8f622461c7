from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reelgraph.text.cache import encode_with_cache


class Encoder:
    """Vectors that tell their text, and a note of what was encoded."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.asked.append(texts)
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)


def test_only_what_is_new_is_encoded_and_each_text_once(tmp_path: Path) -> None:
    encode, plain = Encoder(), Encoder()
    first = ["b", "aa", "b"]
    np.testing.assert_array_equal(encode_with_cache(tmp_path / "c", first, encode), plain(first))
    second = ["aa", "ccc", "b", "ccc"]
    np.testing.assert_array_equal(encode_with_cache(tmp_path / "c", second, encode), plain(second))
    np.testing.assert_array_equal(encode_with_cache(tmp_path / "c", first[::-1], encode), plain(first[::-1]))
    assert encode.asked == [["aa", "b"], ["ccc"]]


@pytest.mark.parametrize("name", ["keys.npy", "vectors.npy"])
def test_a_broken_cache_is_made_anew(tmp_path: Path, name: str) -> None:
    encode = Encoder()
    encode_with_cache(tmp_path / "c", ["a", "b"], encode)
    file = tmp_path / "c" / name
    for wrong in (b"", b"no array", file.read_bytes()[:-3]):
        file.write_bytes(wrong)
        np.testing.assert_array_equal(
            encode_with_cache(tmp_path / "c", ["a", "b"], encode), Encoder()(["a", "b"])
        )
    assert len(encode.asked) == 4


def test_no_text_needs_no_encoder(tmp_path: Path) -> None:
    assert len(encode_with_cache(tmp_path / "c", [], Encoder())) == 0
