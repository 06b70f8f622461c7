"""How params are read: frozen models, refused by key path when they don't fit.

Every stage has a model of its own, whose fields are the sections of
``params.yaml`` that the stage reads, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reelgraph.errors import ParamError

PARAMS_FILE = "params.yaml"

SECTIONS = (
    "seed", "compute", "engine", "data", "demo", "text", "projection", "kg", "gnn",
    "embeddings", "sequences", "model", "gp", "train", "baselines", "evaluate",
    "ablation", "probe", "peers",
)  # fmt: skip
"""Every top-level key of params.yaml and of the studies' params.yaml.

A stage checks the names of all that its files have, and the content of its own.
"""

MAX_BYTES = 1_000_000

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


def load(model: type[P], *paths: Path | str) -> P:
    """Read the sections of ``model`` from the params file, or from the files given.

    Raises:
        ParamError: a file is missing, no YAML 1.2 mapping, repeats a key, uses an
            alias, or a key is unknown, missing, of a wrong type or out of range.
    """
    values: dict[str, object] = {}
    source: dict[str, str] = {}
    for path in paths or (PARAMS_FILE,):
        content = _read(Path(path))
        unknown = sorted(set(content) - set(SECTIONS))
        if unknown:
            raise ParamError(f"{path}: {unknown[0]}", f"one of {', '.join(SECTIONS)}", "an unknown key",
                             "Remove it, or correct its name.")  # fmt: skip
        values |= content
        source |= dict.fromkeys(content, str(path))
    mine = {key: value for key, value in values.items() if key in model.model_fields}
    try:
        return model.model_validate(mine)
    except ValidationError as error:
        raise _refusal(error, source) from None


def checked(model: type[S], values: Mapping[str, object], path: str, within: str) -> S:
    """Return the values of the key ``within`` of a params file as a section.

    Raises:
        ParamError: a key is unknown, missing, of a wrong type or out of range.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, dict.fromkeys((*values, *model.model_fields), path), f"{within}.") from None


def _read(path: Path) -> dict[str, object]:
    remedy = f"Restore it with `git checkout {path}`."
    if not path.is_file():
        raise ParamError(str(path), "a params file in the working directory", "none", remedy)
    if path.stat().st_size > MAX_BYTES:
        raise ParamError(str(path), f"at most {MAX_BYTES:,} bytes", f"{path.stat().st_size:,}", remedy)
    try:
        text = path.read_bytes().decode()
        _refuse_aliases(text, path)
        values = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ParamError(str(path), "YAML 1.2, each key once", problem, remedy) from None
    if not isinstance(values, dict):
        raise ParamError(str(path), "a mapping of sections", type(values).__name__, remedy)
    return values


def _refuse_aliases(text: str, path: Path) -> None:
    for token in YAML(typ="safe", pure=True).scan(text):
        if type(token).__name__ in ("AliasToken", "AnchorToken"):
            line = token.start_mark.line + 1
            raise ParamError(f"{path}: line {line}", "plain values", "a YAML anchor or alias",
                             "Write the value out.")  # fmt: skip


def _refusal(error: ValidationError, source: dict[str, str], within: str = "") -> ParamError:
    problems = error.errors(include_url=False)
    first = problems[0]
    path = source.get(str(first["loc"][0]), PARAMS_FILE) if first["loc"] else PARAMS_FILE
    key = within + ".".join(str(part) for part in first["loc"])
    got = "nothing" if first["type"] == "missing" else repr(first["input"])
    if first["type"] == "extra_forbidden":
        got = "an unknown key"
    more = f" ({len(problems) - 1} more keys are wrong.)" if len(problems) > 1 else ""
    return ParamError(f"{path}: {key}", _expected(first["type"], first["msg"]), got,
                      f"See the comment beside the key in {path}.{more}")  # fmt: skip


def _expected(kind: str, message: str) -> str:
    if kind == "missing":
        return "a value"
    if kind == "extra_forbidden":
        return "only keys that the section has"
    return message.removeprefix("Input should be ").removeprefix("Value error, ")
