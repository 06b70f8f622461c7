"""Sentence vectors read from a fastText ``.bin`` file without loading the whole file.

cc.en.300.bin has 7 GB; the names of a catalogue touch a few hundred MB of it. The format is that of
``FastText::saveModel`` (fastText 0.9, version 12). Subwords are hashed as in ``Dictionary::computeSubwords``
(Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information").
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

MAGIC = 793_712_314
VERSION = 12
HEADER = struct.Struct("<14id")
"""magic, version; the args dim, ws, epoch, minCount, neg, wordNgrams, loss, model, bucket, minn,
maxn, lrUpdateRate and t."""
DICTIONARY = struct.Struct("<3i2q")
"""Entries, words, labels, tokens, size of the pruning index (−1: none)."""
WORD_SUFFIX_BYTES = 9
"""Bytes after the null byte that ends a word: its count (8) and its type (1)."""
MATRIX = struct.Struct("<?2q")
"""Quantized or not, rows, columns."""
SUPERVISED = 3
END_OF_SENTENCE = b"</s>"
FNV_OFFSET = 2_166_136_261
FNV_PRIME = 16_777_619


@dataclass(frozen=True)
class _Layout:
    """Where the parts of a model file are."""

    buckets: int
    min_ngram: int
    max_ngram: int
    words: int
    dictionary_offset: int


def sentence_vectors(path: Path | str, sentences: list[str]) -> Float32[np.ndarray, "sentences dim"]:
    """Return the mean of the unit vectors of each sentence's words, like fastText's library.

    A word vector is the mean of the word's row, if it is in the dictionary, and the rows of its subwords. A
    word without rows or with a zero vector is ignored.

    Args:
        path: an unsupervised, unquantized model.
        sentences: words are separated by ASCII white space.

    Raises:
        InputError: the file is missing, truncated, or not such a model.
    """
    try:
        with Path(path).open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read_vectors(data, str(path), sentences)
    except FileNotFoundError:
        raise _file_error(path, "no file") from None
    except (OSError, ValueError, struct.error) as error:
        raise _file_error(path, f"a damaged file ({error})") from error


def read_dimension(path: Path | str) -> int:
    """Return the dimension of a model's vectors, from the header of its file.

    Raises:
        InputError: the file is missing or not a fastText model.
    """
    try:
        with Path(path).open("rb") as handle:
            magic, _, dim, *_ = HEADER.unpack(handle.read(HEADER.size))
    except FileNotFoundError:
        raise _file_error(path, "no file") from None
    except (OSError, struct.error) as error:
        raise _file_error(path, f"a damaged file ({error})") from error
    if magic != MAGIC:
        raise _file_error(path, "another kind of file")
    return dim


def _read_vectors(data: mmap.mmap, path: str, sentences: list[str]) -> np.ndarray:
    layout = _read_layout(data, path)
    tokenized = [sentence.encode().split() for sentence in sentences]
    words = sorted({word for sentence in tokenized for word in sentence})
    word_rows, matrix_offset = _read_word_rows(data, layout, set(words), path)
    matrix = _map_matrix(data, matrix_offset, layout, path)
    units = {
        word: _unit_vector(matrix, _rows_of_word(word, word_rows.get(word), layout))
        for word in progress(words, "name vectors")
    }
    dim = matrix.shape[1] // 4
    vectors = np.stack([_mean_vector([units[word] for word in sentence], dim) for sentence in tokenized])
    if not np.isfinite(vectors).all():
        raise _file_error(path, "numbers that are not finite")
    return vectors


def _read_layout(data: mmap.mmap, path: str) -> _Layout:
    magic, version, *args, _ = HEADER.unpack_from(data, 0)
    if magic != MAGIC:
        raise _file_error(path, "another kind of file")
    if version != VERSION:
        raise _file_error(path, f"format version {version}")
    if args[7] == SUPERVISED:
        raise _file_error(path, "a supervised model")
    _, words, _, _, pruned = DICTIONARY.unpack_from(data, HEADER.size)
    if pruned > 0:
        raise _file_error(path, "a pruned (quantized) model")
    buckets, min_ngram, max_ngram = args[8:11]
    if words < 0 or buckets < 0 or (max_ngram > 0 and not buckets):
        raise _file_error(path, f"{words:,} words, and {buckets:,} buckets for parts of words")
    return _Layout(buckets, min_ngram, max_ngram, words, HEADER.size + DICTIONARY.size)


def _read_word_rows(
    data: mmap.mmap, layout: _Layout, requested: set[bytes], path: str
) -> tuple[dict[bytes, int], int]:
    """Return the matrix rows of the requested words, and the offset where the dictionary ends."""
    rows = {}
    offset = layout.dictionary_offset
    for row in range(layout.words):
        end = data.find(b"\0", offset)
        if end < 0:
            raise _file_error(path, "a dictionary that ends too early")
        if (word := data[offset:end]) in requested:
            rows[word] = row
        offset = end + 1 + WORD_SUFFIX_BYTES
    return rows, offset


def _map_matrix(data: mmap.mmap, offset: int, layout: _Layout, path: str) -> np.ndarray:
    """Return the input matrix as bytes, ``[rows, 4 · dim]``: its floats are not aligned in the file."""
    quantized, rows, dim = MATRIX.unpack_from(data, offset)
    if quantized:
        raise _file_error(path, "a quantized model")
    if rows != layout.words + layout.buckets or rows <= 0 or dim <= 0:
        raise _file_error(path, f"a matrix of {rows:,} rows for {layout.words:,} words")
    start = offset + MATRIX.size
    if start + rows * dim * 4 > len(data):
        raise _file_error(path, "a truncated file")
    return np.memmap(path, np.uint8, "r", offset=start, shape=(rows, dim * 4))


def _rows_of_word(word: bytes, word_row: int | None, layout: _Layout) -> list[int]:
    """Return the matrix rows of a word: its own, if it is in the dictionary, and its subwords'."""
    subword_rows = [] if word == END_OF_SENTENCE else _subword_rows(word, layout)
    return subword_rows if word_row is None else [word_row, *subword_rows]


def _subword_rows(word: bytes, layout: _Layout) -> list[int]:
    letters = [letter.encode() for letter in f"<{word.decode()}>"]
    return [
        layout.words + code % layout.buckets
        for start in range(len(letters))
        for length, code in enumerate(_prefix_hashes(letters[start : start + layout.max_ngram]), 1)
        if length >= layout.min_ngram and not (length == 1 and start in (0, len(letters) - 1))
    ]


def _prefix_hashes(letters: Iterable[bytes]) -> Iterable[int]:
    """Yield the FNV-1a hash of each prefix. Bytes are sign-extended, like in fastText."""
    code = FNV_OFFSET
    for letter in letters:
        for byte in letter:
            code = ((code ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * FNV_PRIME) & 0xFFFFFFFF
        yield code


def _unit_vector(matrix: np.ndarray, rows: list[int]) -> np.ndarray | None:
    if not rows:
        return None
    vector: np.ndarray = matrix[rows].view("<f4").mean(axis=0)
    norm = np.linalg.norm(vector)
    return None if norm == 0 else vector / norm


def _mean_vector(units: list[np.ndarray | None], dim: int) -> np.ndarray:
    nonzero = [unit for unit in units if unit is not None]
    return np.stack(nonzero).mean(axis=0) if nonzero else np.zeros(dim, np.float32)


def _file_error(path: Path | str, got: str) -> InputError:
    return InputError(f"kg.fasttext {path}", "an unsupervised, unquantized fastText .bin model", got,
                      "Download cc.en.300.bin again, or set kg.fasttext to train.")  # fmt: skip
