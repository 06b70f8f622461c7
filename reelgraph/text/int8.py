"""Text encoders with matrix products of 8 bits, computed by OpenVINO.

Attention, normalization and pooling stay in floating point. So do the products that narrow their input: the
few large values in a feed-forward block would leave few of the 256 levels to the others.
"""

from __future__ import annotations

import copy
import queue
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn.functional import linear

from reelgraph.core.parallel import parallel_map
from reelgraph.runtime.errors import PackageError, ParamError
from reelgraph.text.encoder import encode
from reelgraph.text.sentence_model import CheckedModel

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MIN_SPEARMAN = 0.995
"""Between the similarities of all pairs of sampled texts in int8 and in float32."""

MIN_NEIGHBOUR_OVERLAP = 0.95
"""Mean fraction of the nearest neighbours of a sampled text in float32 that are also nearest in int8."""

NEIGHBOURS = 10

SAMPLE_SIZE = 500
"""Texts that are encoded in both precisions."""

SAMPLE_BATCH = 4
"""Texts of the sample per batch; a larger batch is filled up more often."""

MIN_SAMPLE_SIZE = 50
"""With fewer texts, the comparison says little."""

CALIBRATION_SIZE = 128
"""Texts that the ranges of the layers' inputs are taken from; none of them is in the sample."""

INT8_CAPABILITIES = ("avx512_vnni", "avx_vnni")
"""Instruction sets for products of 8 bits, by their names in ``torch.cpu.get_capabilities``."""

LARGEST_WEIGHT = 127
"""Largest quantized weight; the smallest is its negative."""

LARGEST_INPUT = 255
"""Largest quantized input; the smallest is 0."""

GPTQ_DAMPING = 0.01
"""Added to the diagonal of the inputs' second moments, as a fraction of its mean."""

GPTQ_BLOCK = 32
"""Channels whose rounding errors are passed on to later blocks at once."""

INSTALL = "pip install -r requirements-int8.lock"
REMEDY = "Set text.precision to float32."


class QuantizedLinear(nn.Module):
    """A linear layer with weights of 8 bits per output channel, and an input of 8 bits.

    Each channel of the input is divided by its largest absolute value first, and the weights are multiplied
    by it (Xiao et al., SmoothQuant, 2023, with the whole range moved to the weights).
    """

    channel_scale: Tensor
    input_scale: Tensor
    input_zero: Tensor
    weight: Tensor
    weight_scale: Tensor
    weight_zero: Tensor

    def __init__(self, layer: nn.Linear, inputs: Float32[Tensor, "tokens channels"]) -> None:
        super().__init__()
        largest = inputs.abs().amax(dim=0).clamp_min(1e-6)
        scaled = inputs / largest
        weight = layer.weight.detach() * largest
        self.register_buffer("channel_scale", 1 / largest)
        low = scaled.min().clamp(max=0)
        scale = (scaled.max().clamp(min=0) - low) / LARGEST_INPUT
        self.register_buffer("input_scale", scale)
        self.register_buffer("input_zero", (-low / scale).round().int())
        self.register_buffer("weight_scale", (weight.abs().amax(dim=1) / LARGEST_WEIGHT).clamp_min(1e-12))
        self.register_buffer("weight_zero", torch.zeros(len(weight), dtype=torch.int32))
        self.register_buffer("weight", gptq(weight, self.weight_scale, scaled.T @ scaled))
        self.bias = layer.bias

    def forward(self, x: Float32[Tensor, "*batch channels"]) -> Float32[Tensor, "*batch outputs"]:
        """Return the layer's output in float32; OpenVINO computes the product in 8 bits."""
        x = torch.fake_quantize_per_tensor_affine(
            x * self.channel_scale, self.input_scale, self.input_zero, 0, LARGEST_INPUT
        )
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.weight_scale, self.weight_zero, 0, -LARGEST_WEIGHT, LARGEST_WEIGHT
        )
        return linear(x, weight, self.bias)


def gptq(
    weight: Float32[Tensor, "outputs channels"],
    scale: Float32[Tensor, " outputs"],
    moments: Float32[Tensor, "channels channels"],
) -> Float32[Tensor, "outputs channels"]:
    """Round weights to multiples of ``scale``, so that the layer's outputs change little.

    Weights of later channels make up for the rounding error of a channel (Frantar et al., GPTQ, 2023).

    Args:
        weight: of a linear layer.
        scale: step between two quantized weights of an output.
        moments: sums of the products of two input channels over calibration inputs.
    """
    hessian = moments.double()
    hessian.diagonal().add_(GPTQ_DAMPING * hessian.diagonal().mean())
    order = hessian.diagonal().argsort(descending=True, stable=True)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian[order][:, order]))
    factor = torch.linalg.cholesky(inverse, upper=True).float()
    remaining = weight.T[order]  # a row per channel
    rounded = torch.empty_like(remaining)
    for start in range(0, len(order), GPTQ_BLOCK):
        block = slice(start, start + GPTQ_BLOCK)
        rows = remaining[block]
        triangle = factor[block, block]
        errors = torch.empty_like(rows)
        for i, row in enumerate(rows):
            steps = (row / scale).round().clamp(-LARGEST_WEIGHT, LARGEST_WEIGHT)
            rounded[start + i] = steps * scale
            errors[i] = (row - rounded[start + i]) / triangle[i, i]
            rows[i + 1 :] -= triangle[i, i + 1 :, None] * errors[i]
        remaining[start + GPTQ_BLOCK :] -= factor[block, start + GPTQ_BLOCK :].T @ errors
    return rounded[order.argsort()].T.contiguous()


def check_int8_support(device: torch.device) -> None:
    """Check that OpenVINO is installed, and that the CPU has instructions for products of 8 bits.

    Raises:
        PackageError: OpenVINO is not installed.
        ParamError: the device is a GPU, or the CPU lacks these instructions. Without them it is slow.
    """
    if device.type != "cpu":
        raise ParamError("text.precision int8", "compute.device cpu", device.type, REMEDY)
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in INT8_CAPABILITIES):
        raise ParamError("text.precision int8", f"a CPU with one of {', '.join(INT8_CAPABILITIES)}",
                         "one without them, where int8 is not faster than float32", REMEDY)  # fmt: skip
    _import_openvino()


def _import_openvino() -> Any:
    """Return the module ``openvino``, which is optional, without its telemetry."""
    # The converter would report each use to a server, unless this package cannot be imported.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return import_module("openvino")
    except ModuleNotFoundError as error:
        raise PackageError("text.precision int8", "the package openvino", "none installed",
                           f"Run `{INSTALL}`, or set text.precision to float32.") from error  # fmt: skip


def to_int8_checked(model: SentenceTransformer, texts: list[str]) -> CheckedModel:
    """Return an int8 copy of the model, if it keeps the order of similarities. It encodes on the CPU.

    The copy depends on ``texts``: ranges and roundings are chosen for a part of them.

    Args:
        model: in float32, on the CPU.
        texts: of a catalogue. Some are for calibration, and others are encoded in both precisions.

    Raises:
        ParamError: there are fewer than ``MIN_SAMPLE_SIZE`` distinct texts to compare; Spearman's correlation
            of similarities is below ``MIN_SPEARMAN``, or the overlap below ``MIN_NEIGHBOUR_OVERLAP``.
        PackageError: OpenVINO is not installed.
    """
    by_length = sorted(set(texts), key=lambda text: (len(text), text))
    calibration = _spread(by_length, CALIBRATION_SIZE)
    sample = _spread([text for text in by_length if text not in set(calibration)], SAMPLE_SIZE)
    if len(sample) < MIN_SAMPLE_SIZE:
        least = CALIBRATION_SIZE + MIN_SAMPLE_SIZE
        raise ParamError(
            "text.precision int8", f"{least} distinct texts or more", f"{len(by_length)}", REMEDY
        )
    quantized, backend = _compile(_quantize(model, calibration))
    spearman, overlap = agreement(
        encode(model, sample, SAMPLE_BATCH), encode(quantized, sample, SAMPLE_BATCH)
    )
    if not (spearman >= MIN_SPEARMAN and overlap >= MIN_NEIGHBOUR_OVERLAP):
        raise ParamError("text.precision int8",
                         f"Spearman's ρ of similarities to float32's of {MIN_SPEARMAN} or more, and an "
                         f"overlap of {NEIGHBOURS} neighbours of {MIN_NEIGHBOUR_OVERLAP} or more",
                         f"{spearman:.4f} and {overlap:.3f} on {len(sample)} texts", REMEDY)  # fmt: skip
    summary = f", int8 with Spearman's ρ {spearman:.4f} and neighbour overlap {overlap:.3f}"
    return CheckedModel(quantized, backend, summary)


def agreement(
    expected: Float32[np.ndarray, "texts dim"], vectors: Float32[np.ndarray, "texts dim"]
) -> tuple[float, float]:
    """Return how well vectors keep the similarities of ``expected``; both are L2-normalized.

    Returns:
        Spearman's correlation of the cosines of all pairs, and the mean overlap of the ``NEIGHBOURS`` nearest
        neighbours of each text, 0 to 1.
    """
    upper = np.triu_indices(len(expected), 1)
    cosines = [unit @ unit.T for unit in (expected, vectors)]
    spearman = float(spearmanr(*(matrix[upper] for matrix in cosines)).statistic)
    nearest = [_nearest(matrix) for matrix in cosines]
    common = [len(np.intersect1d(*rows)) for rows in zip(*nearest, strict=True)]
    return spearman, float(np.mean(common)) / nearest[0].shape[1]


def _nearest(cosines: Float32[np.ndarray, "texts texts"]) -> Int64[np.ndarray, "texts neighbours"]:
    others = cosines - 4 * np.eye(len(cosines), dtype=np.float32)
    return np.argsort(-others, axis=1, kind="stable")[:, : min(NEIGHBOURS, len(cosines) - 1)]


def _spread(texts: list[str], count: int) -> list[str]:
    """Return ``count`` of the texts, at equal distances."""
    positions = np.linspace(0, len(texts) - 1, min(count, len(texts))).round().astype(int)
    return [texts[index] for index in np.unique(positions)]


def _quantize(model: SentenceTransformer, texts: list[str]) -> SentenceTransformer:
    """Return a copy of the model with quantized linear layers, for inputs as those of the texts."""
    quantized = copy.deepcopy(model)
    transformer = quantized[0].auto_model
    inputs: dict[str, list[Tensor]] = {}

    def collect(name: str, arguments: tuple[Tensor, ...]) -> None:
        inputs.setdefault(name, []).append(arguments[0].flatten(end_dim=-2))

    hooks = [
        layer.register_forward_pre_hook(lambda _, arguments, name=name: collect(name, arguments))
        for name, layer in transformer.named_modules()
        if isinstance(layer, nn.Linear) and layer.out_features >= layer.in_features
    ]

    @torch.no_grad()
    def run(batch: list[str]) -> None:
        for text in batch:
            features = model.preprocess([text])
            transformer(input_ids=features["input_ids"], attention_mask=features["attention_mask"])

    @torch.no_grad()
    def quantize_layer(name: str) -> QuantizedLinear:
        return QuantizedLinear(transformer.get_submodule(name), torch.cat(inputs[name]))

    parallel_map(run, [texts])  # one thread, as sums by several may differ
    for hook in hooks:
        hook.remove()
    for name, layer in zip(inputs, parallel_map(quantize_layer, inputs), strict=True):
        parent, _, attribute = name.rpartition(".")
        setattr(transformer.get_submodule(parent), attribute, layer)
    return quantized


class _HiddenStates(nn.Module):
    """A transformer from two inputs to its last hidden states, which OpenVINO can convert."""

    def __init__(self, transformer: nn.Module) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(
        self, input_ids: Int64[Tensor, "texts tokens"], attention_mask: Int64[Tensor, "texts tokens"]
    ) -> Float32[Tensor, "texts tokens dim"]:
        return self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def _compile(model: SentenceTransformer) -> tuple[SentenceTransformer, str]:
    """Let OpenVINO compute the transformer of the model, with one thread per batch of texts.

    Where the CPU has AMX, what is not quantized is in bfloat16.
    """
    from transformers.modeling_outputs import BaseModelOutput
    from transformers.utils.logging import set_verbosity_error

    set_verbosity_error()  # OpenVINO reads every attribute of the model, which warns of a missing loss
    openvino = _import_openvino()
    transformer = model[0].auto_model
    example = torch.ones(2, 16, dtype=torch.int64)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of branches on shapes
        converted = openvino.convert_model(
            _HiddenStates(transformer), example_input={"input_ids": example, "attention_mask": example}
        )
    precision = "bf16" if torch.cpu.get_capabilities().get("amx_bf16") else "f32"
    threads = torch.get_num_threads()
    compiled = openvino.Core().compile_model(converted, "CPU", {
        "NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision,
    })  # fmt: skip
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for _ in range(threads):
        requests.put(compiled.create_infer_request())

    def forward(input_ids: Tensor, attention_mask: Tensor, **_: Any) -> Any:
        request = requests.get()
        try:
            result = request.infer({"input_ids": input_ids.numpy(), "attention_mask": attention_mask.numpy()})
            return BaseModelOutput(last_hidden_state=torch.from_numpy(result[0]))
        finally:
            requests.put(request)

    transformer.forward = forward
    return model, f"openvino {openvino.__version__} {precision}"
