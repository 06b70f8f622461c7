"""The precisions of ``text.precision``: what each needs, and the model in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reelgraph.text.int8 import check_int8_support, to_int8_checked
from reelgraph.text.sentence_model import CheckedModel, check_bfloat16_support, to_bfloat16_checked

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

Precision = Literal["float32", "bfloat16", "int8"]


def check_precision_support(precision: Precision, device: torch.device) -> None:
    """Check that a precision is available and of use on a device.

    Raises:
        ParamError: the device or the CPU is not suited.
        PackageError: an optional package is not installed.
    """
    if precision == "bfloat16":
        check_bfloat16_support(device)
    elif precision == "int8":
        check_int8_support(device)


def to_precision_checked(model: SentenceTransformer, precision: Precision, texts: list[str]) -> CheckedModel:
    """Return the model in a precision, if that hardly changes the embeddings of a sample of the texts.

    Args:
        model: in float32.
        precision: as in ``text.precision``.
        texts: of a catalogue.

    Raises:
        ParamError: the embeddings of the sample change too much.
    """
    if precision == "bfloat16":
        return CheckedModel(to_bfloat16_checked(model, texts))
    if precision == "int8":
        return to_int8_checked(model, texts)
    return CheckedModel(model)
