"""The registry of rankers: modules of this package and its folder ``external``, named by their entries.

The module has ``Params``, a ``Section``; ``fit(inputs, params)``, which returns a ``Ranker``; and
``restore(arrays)``, which builds the ranker from its ``arrays``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from reelgraph.params.base import PARAMS_FILE, Section, validate_section
from reelgraph.rankers.ranker import Ranker, RankerInputs
from reelgraph.runtime.atomic_io import RERUN_HINT, read_array, read_json, save_array, write_json
from reelgraph.runtime.errors import ArtifactError, ParamError

PACKAGES = ("reelgraph.rankers", "reelgraph.rankers.external")
"""Packages with rankers, one module each."""
SERVED = "blend"
"""The ranker that orders recommendations."""


@dataclass(frozen=True)
class RankerType:
    """A ranker's module with its params."""

    name: str
    module: ModuleType
    params: Section

    def fit(self, inputs: RankerInputs) -> Ranker:
        """Fit the ranker."""
        return self.module.fit(inputs, self.params)


def find_ranker(
    name: str, values: Mapping[str, object], path: str = PARAMS_FILE, section: str = "rankers"
) -> RankerType:
    """Return a ranker with its params.

    Args:
        name: the ranker's module.
        values: its entry in the params file.
        path: the params file.
        section: its section with rankers.

    Raises:
        ParamError: no ranker has this name, or ``values`` are not those that its ``Params`` takes.
    """
    module = _import_ranker(name)
    if module is None:
        raise ParamError(f"{path}: {section}.{name}", "a module of reelgraph/rankers/ with Params and fit",
                         "none", "Remove the entry, or write the module.")  # fmt: skip
    return RankerType(name, module, validate_section(module.Params, values, path, f"{section}.{name}"))


def find_rankers(rankers: Mapping[str, Mapping[str, object]]) -> list[RankerType]:
    """Return the rankers of params.yaml.

    Raises:
        ParamError: as ``find_ranker``, or the ranker that orders recommendations is not among them.
    """
    if SERVED not in rankers:
        raise ParamError(f"{PARAMS_FILE}: rankers", f"{SERVED} among them, which orders recommendations",
                         ", ".join(rankers) or "none", f"Add {SERVED}; the others are optional.")  # fmt: skip
    return [find_ranker(name, values) for name, values in rankers.items()]


def save_ranker(name: str, ranker: Ranker, folder: Path) -> None:
    """Write a ranker's arrays and its name to a new folder; not atomic by itself."""
    folder.mkdir()
    for key, array in ranker.arrays().items():
        save_array(array, folder / f"{key}.npy")
    write_json({"ranker": name}, folder / "config.json")


def load_ranker(folder: Path | str, many_queries: bool = False) -> Ranker:
    """Load the ranker that ``save_ranker`` wrote; its arrays are mapped into memory.

    Args:
        folder: with the arrays.
        many_queries: convert arrays in half precision once, instead of the rows that each query reads.

    Raises:
        ArtifactError: files are missing or damaged.
    """
    path = Path(folder)
    name = str(read_json(path / "config.json").get("ranker"))
    module = _import_ranker(name)
    try:
        if module is None:
            raise KeyError(name)
        arrays = {file.stem: read_array(file) for file in sorted(path.glob("*.npy"))}
        if many_queries:
            arrays = {key: _to_single_precision(array) for key, array in arrays.items()}
        return module.restore(arrays)
    except (KeyError, ValueError) as error:
        raise ArtifactError(str(path), "the files of a ranker", str(error), RERUN_HINT) from error


def _to_single_precision(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _import_ranker(name: str) -> ModuleType | None:
    for package in PACKAGES if name.isidentifier() else ():
        if find_spec(f"{package}.{name}") is not None:
            module = import_module(f"{package}.{name}")
            return module if hasattr(module, "fit") else None
    return None
