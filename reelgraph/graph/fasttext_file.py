"""Sentence vectors straight from a fastText ``.bin`` file, of which only the needed rows are read.

The file of cc.en.300 has 7 GB; the names of a catalogue touch a few hundred MB of it.
Format: fastText 0.9's ``FastText::saveModel``, version 12; hashing: Bojanowski et al. 2017,
"Enriching Word Vectors with Subword Information", and ``Dictionary::computeSubwords``.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from reelgraph.runtime.errors import InputError
from reelgraph.runtime.progress import progress

MAGIC, VERSION = 793_712_314, 12
HEADER = struct.Struct("<14id")
"""magic, version; the args dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn,
maxn, lrUpdateRate and t."""
DICTIONARY = struct.Struct("<3i2q")
"""Entries, words, labels, tokens, size of the pruning index (−1: none)."""
WORD_TAIL = 9
"""Bytes behind a word's closing zero: its count (8) and its kind (1)."""
MATRIX = struct.Struct("<?2q")
"""Quantised or not, rows, columns."""
SUPERVISED = 3
END_OF_SENTENCE = b"</s>"
FNV_OFFSET, FNV_PRIME = 2_166_136_261, 16_777_619


@dataclass(frozen=True)
class _Layout:
    buckets: int
    shortest: int
    longest: int
    words: int
    dictionary_at: int


def sentence_vectors(path: Path | str, sentences: list[str]) -> Float32[np.ndarray, "sentences dim"]:
    """Return the mean of the unit vectors of each sentence's words, as fastText's library does.

    A word's vector is the mean of its own row, where it is in the dictionary, and of
    its subwords' rows; a word without either, or with a zero vector, doesn't count.

    Args:
        path: an unsupervised, unquantised model.
        sentences: words are what ASCII white space separates.

    Raises:
        InputError: no file, no such model, or a truncated one.
    """
    try:
        with Path(path).open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _vectors(data, str(path), sentences)
    except FileNotFoundError:
        raise _refusal(path, "no file") from None
    except (OSError, ValueError, struct.error) as error:
        raise _refusal(path, f"a damaged file ({error})") from error


def _vectors(data: mmap.mmap, path: str, sentences: list[str]) -> np.ndarray:
    layout = _layout(data, path)
    split = [sentence.encode().split() for sentence in sentences]
    words = sorted({word for line in split for word in line})
    ids, matrix_at = _word_ids(data, layout, set(words), path)
    rows = _matrix(data, matrix_at, layout, path)
    units = {
        word: _unit(rows, _row_ids(word, ids.get(word), layout))
        for word in progress(words, "name vectors", total=len(words))
    }
    vectors = np.stack([_mean([units[word] for word in line], rows.shape[1] // 4) for line in split])
    if not np.isfinite(vectors).all():
        raise _refusal(path, "numbers that are not finite")
    return vectors


def _layout(data: mmap.mmap, path: str) -> _Layout:
    magic, version, *args, _ = HEADER.unpack_from(data, 0)
    if magic != MAGIC:
        raise _refusal(path, "another kind of file")
    if version != VERSION:
        raise _refusal(path, f"format version {version}")
    if args[7] == SUPERVISED:
        raise _refusal(path, "a supervised model")
    _, words, _, _, pruned = DICTIONARY.unpack_from(data, HEADER.size)
    if pruned > 0:
        raise _refusal(path, "a pruned (quantised) model")
    buckets, shortest, longest = args[8:11]
    if words < 0 or buckets < 0 or (longest > 0 and not buckets):
        raise _refusal(path, f"{words:,} words, and {buckets:,} buckets for parts of words")
    return _Layout(buckets, shortest, longest, words, HEADER.size + DICTIONARY.size)


def _word_ids(
    data: mmap.mmap, layout: _Layout, wanted: set[bytes], path: str
) -> tuple[dict[bytes, int], int]:
    """Return the wanted words' rows, and where the dictionary ends."""
    ids, at = {}, layout.dictionary_at
    for row in range(layout.words):
        end = data.find(b"\0", at)
        if end < 0:
            raise _refusal(path, "a dictionary that ends too early")
        if (word := data[at:end]) in wanted:
            ids[word] = row
        at = end + 1 + WORD_TAIL
    return ids, at


def _matrix(data: mmap.mmap, at: int, layout: _Layout, path: str) -> np.ndarray:
    """Return the input matrix as bytes, ``[rows, 4 · dim]``: its floats are not aligned in the file."""
    quantised, rows, dim = MATRIX.unpack_from(data, at)
    if quantised:
        raise _refusal(path, "a quantised model")
    if rows != layout.words + layout.buckets or rows <= 0 or dim <= 0:
        raise _refusal(path, f"a matrix of {rows:,} rows for {layout.words:,} words")
    start = at + MATRIX.size
    if start + rows * dim * 4 > len(data):
        raise _refusal(path, "a truncated file")
    return np.memmap(path, np.uint8, "r", offset=start, shape=(rows, dim * 4))


def _row_ids(word: bytes, own: int | None, layout: _Layout) -> list[int]:
    subwords = [] if word == END_OF_SENTENCE else _subword_ids(word, layout)
    return subwords if own is None else [own, *subwords]


def _subword_ids(word: bytes, layout: _Layout) -> list[int]:
    letters = [letter.encode() for letter in f"<{word.decode()}>"]
    return [
        layout.words + code % layout.buckets
        for start in range(len(letters))
        for length, code in enumerate(_hashes(letters[start : start + layout.longest]), 1)
        if length >= layout.shortest and not (length == 1 and start in (0, len(letters) - 1))
    ]


def _hashes(letters: Iterable[bytes]) -> Iterable[int]:
    """Yield FNV-1a of each prefix; bytes are widened with their sign, as fastText does."""
    code = FNV_OFFSET
    for letter in letters:
        for byte in letter:
            code = ((code ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME) & 0xFFFFFFFF
        yield code


def _unit(rows: np.ndarray, ids: list[int]) -> np.ndarray | None:
    if not ids:
        return None
    vector: np.ndarray = rows[ids].view("<f4").mean(axis=0)
    norm = np.linalg.norm(vector)
    return None if norm == 0 else vector / norm


def _mean(units: list[np.ndarray | None], dim: int) -> np.ndarray:
    counted = [unit for unit in units if unit is not None]
    return np.stack(counted).mean(axis=0) if counted else np.zeros(dim, np.float32)


def _refusal(path: Path | str, got: str) -> InputError:
    return InputError(f"kg.fasttext {path}", "an unsupervised, unquantised fastText .bin model", got,
                      "Download cc.en.300.bin again, or set kg.fasttext to train.")  # fmt: skip
