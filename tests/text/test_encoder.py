from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.text.encoder import encode
from reelgraph.text.sentence_model import locate_model, to_bfloat16_checked

TEXTS = [
    "[empty]",
    "A heist goes wrong.",
    "Adventure is out there! " + "An old man and a boy scout fly a house to South America. " * 25,
    "Una niña descubre un mundo oculto — 千と千尋の神隠し",
    "A heist goes wrong.",
]


def test_encode_matches_sentence_transformers(model) -> None:
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(locate_model("bundled")), device="cpu", local_files_only=True)
    expected = reference.encode(TEXTS, batch_size=64, normalize_embeddings=True)
    vectors = encode(model, TEXTS, 64)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert (vectors * expected).sum(axis=1).min() >= 0.99999
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_encode_hardly_depends_on_batch_size_and_order(model) -> None:
    vectors = encode(model, TEXTS, 64)
    np.testing.assert_allclose(encode(model, TEXTS, 1), vectors, atol=1e-6)
    np.testing.assert_allclose(encode(model, TEXTS[::-1], 2)[::-1], vectors, atol=1e-6)
    np.testing.assert_array_equal(vectors[1], vectors[4])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_encode_writes_the_same_bytes_with_any_number_of_threads(model, threads: int) -> None:
    texts = [f"{text} {number}" for text in TEXTS for number in range(6)]
    expected = encode(model, texts, 2)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        vectors = encode(model, texts, 2)
    finally:
        torch.set_num_threads(before)
    assert vectors.tobytes() == expected.tobytes()


def test_encode_truncates_after_256_tokens(model) -> None:
    assert model.max_seq_length == 256
    first, second = encode(model, [TEXTS[2], TEXTS[2] + "Nobody reads this."], 2)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_encode_does_not_depend_on_the_other_texts_of_a_batch(model, precision: str) -> None:
    texts = [f"{'A heist goes wrong. ' * n}{end}" for n in range(1, 9) for end in ("Again.", "In Rome!", "")]
    encoder = to_bfloat16_checked(model, texts) if precision == "bfloat16" else model
    batched = encode(encoder, texts, 16)
    separate = np.concatenate([encode(encoder, [text], 16) for text in texts])
    np.testing.assert_array_equal(separate, batched)
