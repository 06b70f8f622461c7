from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from reelgraph.text.sentence_model import load_encoder, locate_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@pytest.fixture(scope="session")
def model() -> SentenceTransformer:
    """The bundled model, loaded while any network connection fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was used"))
        return load_encoder(locate_model("bundled"))
