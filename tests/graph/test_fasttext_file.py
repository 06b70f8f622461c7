from __future__ import annotations

import struct
from pathlib import Path

import fasttext
import numpy as np
import pytest

from reelgraph.graph.entity_embeddings import check_model_dimension
from reelgraph.graph.fasttext_file import DICTIONARY, HEADER, read_dimension, sentence_vectors
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


def train_model(folder: Path, **overrides: object) -> tuple[fasttext.FastText._FastText, Path]:
    (folder / "text.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    args = {"dim": 7, "bucket": 97, "minCount": 1, "epoch": 2, "thread": 1, "verbose": 0} | overrides
    model = fasttext.train_unsupervised(str(folder / "text.txt"), **args)
    model.save_model(str(folder / "model.bin"))
    return model, folder / "model.bin"


@pytest.mark.parametrize(
    "overrides",
    [{}, {"minn": 5, "maxn": 5}, {"minn": 1, "maxn": 3}, {"minn": 0, "maxn": 0}, {"model": "cbow"}],
)
def test_sentence_vectors_match_the_library(tmp_path: Path, overrides: dict[str, object]) -> None:
    model, path = train_model(tmp_path, **overrides)
    expected = np.stack([model.get_sentence_vector(sentence) for sentence in SENTENCES])
    np.testing.assert_allclose(sentence_vectors(path, SENTENCES), expected, atol=1e-6)


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return train_model(tmp_path_factory.mktemp("model"))[1].read_bytes()


def with_int(data: bytes, index: int, value: int) -> bytes:
    return data[: 4 * index] + struct.pack("<i", value) + data[4 * index + 4 :]


def load_error(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        sentence_vectors(path, SENTENCES)
    return str(error.value)


def test_sentence_vectors_rejects_unsuitable_files(tmp_path: Path, model_bytes: bytes) -> None:
    path = tmp_path / "model.bin"
    assert "got another kind of file" in load_error(path, b"movieId,title\n" * 50)
    assert "got format version 11" in load_error(path, with_int(model_bytes, 1, 11))
    assert "got a supervised model" in load_error(path, with_int(model_bytes, 9, 3))
    assert "and 0 buckets" in load_error(path, with_int(model_bytes, 10, 0))
    assert "got a damaged file" in load_error(path, b"")
    assert "got a damaged file" in load_error(path, model_bytes[:40])
    with pytest.raises(InputError, match="got no file"):
        sentence_vectors(tmp_path / "none.bin", SENTENCES)


def test_sentence_vectors_rejects_every_truncation(tmp_path: Path, model_bytes: bytes) -> None:
    words = DICTIONARY.unpack_from(model_bytes, HEADER.size)[1]
    matrix_end = len(model_bytes) - (1 + 16 + words * 7 * 4)
    for length in [*range(1, matrix_end, 61), matrix_end - 1]:
        load_error(tmp_path / "model.bin", model_bytes[:length])


def test_sentence_vectors_rejects_a_quantized_model(tmp_path: Path) -> None:
    text = tmp_path / "labelled.txt"
    text.write_text(
        "\n".join(f"__label__{i % 2} {line}" for i, line in enumerate(LINES * 20)) + "\n", "utf-8"
    )
    model = fasttext.train_supervised(str(text), dim=4, minn=2, maxn=3, bucket=300, verbose=0, thread=1)
    model.quantize(input=str(text), retrain=False, verbose=0)
    model.save_model(str(tmp_path / "model.ftz"))
    message = load_error(tmp_path / "copy.ftz", with_int((tmp_path / "model.ftz").read_bytes(), 9, 2))
    assert "got a quantized model" in message


def test_sentence_vectors_rejects_numbers_that_are_not_finite(tmp_path: Path, model_bytes: bytes) -> None:
    words = DICTIONARY.unpack_from(model_bytes, HEADER.size)[1]
    size = (words + 97) * 7 * 4
    start = len(model_bytes) - (1 + 16 + words * 7 * 4) - size
    damaged = model_bytes[:start] + b"\xff" * size + model_bytes[start + size :]
    assert "not finite" in load_error(tmp_path / "model.bin", damaged)


def test_check_model_dimension_reads_the_header_only(tmp_path: Path, model_bytes: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_bytes[: HEADER.size])
    assert read_dimension(path) == 7
    check_model_dimension(str(path), 7)
    check_model_dimension("train", 300)
    with pytest.raises(
        InputError, match=r"a model of 300 dimensions, .*got 7 dimensions. Set projection.dim to 7"
    ):
        check_model_dimension(str(path), 300)


@pytest.mark.parametrize(
    ("content", "got"),
    [(None, "no file"), (b"short", "a damaged file"), (b"x" * 100, "another kind of file")],
)
def test_read_dimension_refuses_other_files(tmp_path: Path, content: bytes | None, got: str) -> None:
    if content is not None:
        (tmp_path / "m.bin").write_bytes(content)
    with pytest.raises(InputError, match=got):
        read_dimension(tmp_path / "m.bin")
