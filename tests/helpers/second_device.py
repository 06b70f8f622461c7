"""A second device in the CPU's memory, so that code for a GPU runs without one.

Its tensors say that they are on torch's device ``meta``, and have numbers. An operation on tensors of both
devices raises, as it does with a GPU, apart from copies, numbers, and indices on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

SECOND_DEVICE = torch.device("meta")
COPIES = {"aten::copy_", "aten::_to_copy"}
INDEXING = {"aten::index.Tensor", "aten::index_put", "aten::index_put_"}


class SecondDeviceTensor(Tensor):
    """A tensor of the second device; ``values`` is on the CPU."""

    values: Tensor

    @staticmethod
    def __new__(cls, values: Tensor) -> SecondDeviceTensor:
        """Wrap a tensor of the CPU."""
        tensor = Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=SECOND_DEVICE,
        )
        tensor.values = values
        return tensor

    def __repr__(self) -> str:  # type: ignore[override]
        return f"SecondDeviceTensor({self.values})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


class SecondDeviceMode(TorchDispatchMode):
    """Makes tensors on the second device where ``device=`` asks for it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Compute on the CPU; results are on the device of the arguments, or on the one that ``device=`` names."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    is_second = any(isinstance(tensor, SecondDeviceTensor) for tensor in tensors)
    name = func.name()
    operation = name.split(".")[0]
    if is_second and operation not in COPIES:
        checked = [args[0], args[2:]] if name in INDEXING else [args, kwargs]
        for leaf in tree_leaves(checked):
            if isinstance(leaf, Tensor) and leaf.ndim and not isinstance(leaf, SecondDeviceTensor):
                raise RuntimeError(f"{name} got tensors on two devices")
    target = kwargs.get("device")
    result_is_second = is_second if target is None else torch.device(target) == SECOND_DEVICE
    on_cpu = {**kwargs, "device": torch.device("cpu")} if target is not None else kwargs
    result = func(*tree_map(_values, args), **tree_map(_values, on_cpu))
    if "out" in kwargs:
        return kwargs["out"]
    if operation.endswith("_") and result is not None:  # in place
        return args[0]
    return tree_map(_wrap, result) if result_is_second else result


def _values(leaf: Any) -> Any:
    return leaf.values if isinstance(leaf, SecondDeviceTensor) else leaf


def _wrap(leaf: Any) -> Any:
    if not isinstance(leaf, Tensor):
        return leaf
    with torch.inference_mode(False):  # torch refuses inference tensors as views of others
        return SecondDeviceTensor(leaf)


@contextmanager
def second_device() -> Iterator[torch.device]:
    """Yield the second device; it works in this thread alone."""
    with SecondDeviceMode():
        yield SECOND_DEVICE
