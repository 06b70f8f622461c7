from __future__ import annotations

import struct
from pathlib import Path

import fasttext
import numpy as np
import pytest

from reelgraph.graph.fasttext_file import DICTIONARY, HEADER, sentence_vectors
from reelgraph.runtime.errors import InputError

LINES = ["Žofie Émile 中村 met 𝔘we at a café", "the café of Émile and Ann Lee is old", "a b a b </s> the"] * 5
SENTENCES = [
    "Émile",
    "Ann Lee",
    "the unknown 中村さん",
    "Žofie",
    "x",
    "</s> a",
    "",
    "naïve 𝔘wexyz",
    "a  café",
]


def trained(folder: Path, **changed: object) -> tuple[fasttext.FastText._FastText, Path]:
    (folder / "text.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    args = {"dim": 7, "bucket": 97, "minCount": 1, "epoch": 2, "thread": 1, "verbose": 0} | changed
    model = fasttext.train_unsupervised(str(folder / "text.txt"), **args)
    model.save_model(str(folder / "model.bin"))
    return model, folder / "model.bin"


@pytest.mark.parametrize(
    "changed",
    [{}, {"minn": 5, "maxn": 5}, {"minn": 1, "maxn": 3}, {"minn": 0, "maxn": 0}, {"model": "cbow"}],
)
def test_vectors_are_the_librarys(tmp_path: Path, changed: dict[str, object]) -> None:
    model, path = trained(tmp_path, **changed)
    expected = np.stack([model.get_sentence_vector(sentence) for sentence in SENTENCES])
    np.testing.assert_allclose(sentence_vectors(path, SENTENCES), expected, atol=1e-6)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return trained(tmp_path_factory.mktemp("model"))[1].read_bytes()


def with_int(data: bytes, place: int, value: int) -> bytes:
    return data[: 4 * place] + struct.pack("<i", value) + data[4 * place + 4 :]


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        sentence_vectors(path, SENTENCES)
    return str(error.value)


def test_unfit_files_are_refused(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "model.bin"
    assert "got another kind of file" in refused(path, b"movieId,title\n" * 50)
    assert "got format version 11" in refused(path, with_int(good, 1, 11))
    assert "got a supervised model" in refused(path, with_int(good, 9, 3))
    assert "and 0 buckets" in refused(path, with_int(good, 10, 0))
    assert "got a damaged file" in refused(path, b"")
    assert "got a damaged file" in refused(path, good[:40])
    with pytest.raises(InputError, match="got no file"):
        sentence_vectors(tmp_path / "none.bin", SENTENCES)


def test_every_truncation_is_refused(tmp_path: Path, good: bytes) -> None:
    words = DICTIONARY.unpack_from(good, HEADER.size)[1]
    matrix_end = len(good) - (1 + 16 + words * 7 * 4)
    for length in [*range(1, matrix_end, 61), matrix_end - 1]:
        refused(tmp_path / "model.bin", good[:length])


def test_a_quantised_model_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "labelled.txt"
    text.write_text(
        "\n".join(f"__label__{i % 2} {line}" for i, line in enumerate(LINES * 20)) + "\n", "utf-8"
    )
    model = fasttext.train_supervised(str(text), dim=4, minn=2, maxn=3, bucket=300, verbose=0, thread=1)
    model.quantize(input=str(text), retrain=False, verbose=0)
    model.save_model(str(tmp_path / "model.ftz"))
    message = refused(tmp_path / "copy.ftz", with_int((tmp_path / "model.ftz").read_bytes(), 9, 2))
    assert "got a quantised model" in message


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path, good: bytes) -> None:
    words = DICTIONARY.unpack_from(good, HEADER.size)[1]
    size = (words + 97) * 7 * 4
    start = len(good) - (1 + 16 + words * 7 * 4) - size
    broken = good[:start] + b"\xff" * size + good[start + size :]
    assert "not finite" in refused(tmp_path / "model.bin", broken)
