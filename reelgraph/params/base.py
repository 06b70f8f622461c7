"""How params are read: frozen models, refused by key path when they don't fit.

Every stage has a model of its own, whose fields are the sections of
``params.yaml`` that the stage reads, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from reelgraph.runtime.errors import ParamError
from reelgraph.runtime.yaml_loader import read_yaml

PARAMS_FILE = "params.yaml"

SECTIONS = (
    "seed", "compute", "engine", "data", "demo", "text", "projection", "kg", "gnn",
    "embeddings", "sequences", "model", "gp", "raters", "train", "baselines", "evaluate",
    "ablation", "probe", "external_baselines",
)  # fmt: skip
"""Every top-level key of params.yaml and of the studies' params.yaml.

A stage checks the names of all that its files have, and the content of its own.
"""

SHOWN_CHARS = 80

MISSING, UNKNOWN = "missing", "an unknown key"

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""A seed of random numbers, 0 to 2**63 − 1."""


class Section(BaseModel):
    """A group of params: frozen, no unknown keys, no silent conversion, no NaN."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )


class StageParams(Section):
    """The sections that one stage reads; sections of other stages are passed over."""


S = TypeVar("S", bound=Section)
P = TypeVar("P", bound=StageParams)


@dataclass(frozen=True)
class Problem:
    """One key that doesn't fit."""

    key: str
    expected: str
    got: str

    def __str__(self) -> str:
        if self.got in (MISSING, UNKNOWN):
            return f"{self.key} is {self.got}"
        return f"{self.key} is {self.got} instead of {self.expected}"


def load(model: type[P], *paths: Path | str) -> P:
    """Read the sections of ``model`` from the params file, or from the files given.

    Raises:
        ParamError: a file is missing, above 1 MB, no YAML 1.2 mapping, repeats a key, has an anchor or an
            alias; or keys are unknown, missing, of a wrong type or out of range: all of them are listed.
    """
    values: dict[str, object] = {}
    source: dict[str, str] = {}
    for path in paths or (PARAMS_FILE,):
        content = read_yaml(Path(path))
        if unknown := [key for key in content if key not in SECTIONS]:
            raise ParamError(f"{path}: {', '.join(unknown)}", f"one of {', '.join(SECTIONS)}",
                             "an unknown key" if len(unknown) == 1 else f"{len(unknown)} unknown keys",
                             "Remove it, or correct its name.")  # fmt: skip
        values |= content
        source |= dict.fromkeys(content, str(path))
    mine = {key: value for key, value in values.items() if key in model.model_fields}
    try:
        return model.model_validate(mine)
    except ValidationError as error:
        raise _refusal(error, source) from None


def validate_section(model: type[S], values: Mapping[str, object], path: str, section: str) -> S:
    """Return the values of the key ``within`` of a params file as a section.

    Raises:
        ParamError: keys are unknown, missing, of a wrong type or out of range: all of them are listed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, dict.fromkeys((*values, *model.model_fields), path), f"{section}.") from None


def list_violations(error: ValidationError, within: str = "") -> list[Problem]:
    """Tell every key that doesn't fit, what it should have been and what it was."""
    return [
        Problem(within + ".".join(map(str, each["loc"])), _expected(each["type"], each["msg"]), _got(each))
        for each in error.errors(include_url=False)
    ]


def _got(problem: ErrorDetails) -> str:
    if problem["type"] in ("missing", "extra_forbidden"):
        return MISSING if problem["type"] == "missing" else UNKNOWN
    shown = "others" if isinstance(problem["input"], dict) else repr(problem["input"])
    return shown if len(shown) <= SHOWN_CHARS else f"{shown[:SHOWN_CHARS]}…"


def _refusal(error: ValidationError, source: dict[str, str], within: str = "") -> ParamError:
    found = list_violations(error, within)
    firsts = [str(each["loc"][0]) if each["loc"] else "" for each in error.errors(include_url=False)]
    paths = ", ".join(dict.fromkeys(source.get(first, PARAMS_FILE) for first in firsts))
    if len(found) == 1:
        one, remedy = found[0], f"See the comment beside the key in {paths}."
        got = "nothing" if one.got == MISSING else one.got
        return ParamError(f"{paths}: {one.key}", one.expected, got, remedy)
    return ParamError(paths, "values as the comments beside the keys say",
                      f"{len(found)} that aren't: {'; '.join(map(str, found))}",
                      f"See the comments in {paths}.")  # fmt: skip


def _expected(kind: str, message: str) -> str:
    if kind == "missing":
        return "a value"
    if kind == "extra_forbidden":
        return "only keys that the section has"
    return message.removeprefix("Input should be ").removeprefix("Value error, ")


class Compute(Section):
    """Section ``compute``."""

    threads: int = Field(ge=1, le=256)
    """CPU threads, 1 to 256. Part of the result: sums are split by thread."""

    device: Literal["cpu", "cuda", "mps", "auto"]
    """Where encoder, GNN and networks are computed; auto: on a GPU where torch finds one, else the CPU.
    Only the CPU gives the same bytes each time."""
