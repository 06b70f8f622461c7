"""Reading and validating params: frozen models, whose errors name every invalid key.

Each stage has its own model. Its fields are the sections of params.yaml that the stage reads, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from reelgraph.runtime.errors import ParamError
from reelgraph.runtime.yaml_loader import read_yaml

PARAMS_FILE = "params.yaml"

SECTIONS = (
    "seed", "compute", "engine", "data", "demo", "text", "projection", "kg", "gnn",
    "embeddings", "sequences", "model", "gp", "raters", "train", "baselines", "rankers", "evaluate",
)  # fmt: skip
"""Every top-level key of params.yaml.

A stage checks the names of all sections in its files, and the content of those that it reads.
"""

STUDY_SECTIONS = ("ablation", "probe", "external_baselines", "ranking_peers")
"""Top-level keys of the studies' params.yaml."""

MAX_VALUE_CHARS = 80
"""Longest value that an error message quotes."""

MISSING = "missing"
UNKNOWN = "an unknown key"

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""Seed of a random generator, 0 to 2**63 − 1."""


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
    """The sections that one stage reads; those of other stages are ignored."""


class Compute(Section):
    """Section ``compute``: where numbers are computed. Every stage that uses torch reads it."""

    threads: int = Field(ge=1, le=256)
    """CPU threads, 1 to 256. Part of the result, since sums are split by thread."""

    device: Literal["cpu", "cuda", "mps", "auto"]
    """Device of the text encoder, the GNN and the rater; ``gp`` computes on cuda or the CPU. auto: a GPU if
    torch finds one, else the CPU. Only the CPU gives the same bytes in every run."""


S = TypeVar("S", bound=Section)
P = TypeVar("P", bound=StageParams)


@dataclass(frozen=True)
class Violation:
    """One key whose value is not valid."""

    key: str
    expected: str
    got: str

    def __str__(self) -> str:
        if self.got in (MISSING, UNKNOWN):
            return f"{self.key} is {self.got}"
        return f"{self.key} is {self.got} instead of {self.expected}"


def load(model: type[P], *paths: Path | str) -> P:
    """Read the sections of ``model`` from params.yaml, or from the given files.

    Raises:
        ParamError: a file is missing, larger than 1 MB, not a YAML 1.2 mapping, repeats a key, or has an
            anchor or an alias; or keys are unknown, missing, of the wrong type or out of range (lists all).
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for path in paths or (PARAMS_FILE,):
        content = read_yaml(Path(path))
        known = SECTIONS if Path(path) == Path(PARAMS_FILE) else (*SECTIONS, *STUDY_SECTIONS)
        if unknown := [key for key in content if key not in known]:
            raise ParamError(f"{path}: {', '.join(unknown)}", f"one of {', '.join(known)}",
                             "an unknown key" if len(unknown) == 1 else f"{len(unknown)} unknown keys",
                             "Remove it, or correct its name.")  # fmt: skip
        values |= content
        sources |= dict.fromkeys(content, str(path))
    sections = {key: value for key, value in values.items() if key in model.model_fields}
    try:
        return model.model_validate(sections)
    except ValidationError as error:
        raise _param_error(error, sources) from None


def validate_section(model: type[S], values: Mapping[str, object], path: str, section: str) -> S:
    """Return the values of the key ``section`` of a params file as a model.

    Raises:
        ParamError: keys are unknown, missing, of the wrong type or out of range; lists all.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        sources = dict.fromkeys((*values, *model.model_fields), path)
        raise _param_error(error, sources, f"{section}.") from None


def invalid(expected: str, got: str) -> PydanticCustomError:
    """Return the error of a rule that spans several keys of a section, for a validator to raise."""
    return PydanticCustomError("rule", "{expected}", {"expected": expected, "got": got})


def list_violations(error: ValidationError, prefix: str = "") -> list[Violation]:
    """Return each invalid key, under ``prefix``, with what was expected and what was got."""
    return [
        Violation(prefix + ".".join(map(str, details["loc"])), _expected(details), _got(details))
        for details in error.errors(include_url=False)
    ]


def _expected(details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "a value"
    if details["type"] == "extra_forbidden":
        return "only keys that the section has"
    if details["type"] == "too_short":
        count = details["ctx"]["min_length"]
        return f"at least {count} {'entry' if count == 1 else 'entries'}"
    message = details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return message.replace("String should have", "text of").replace(
        "String should match", "text that matches"
    )


def _got(details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return MISSING
    if details["type"] == "extra_forbidden":
        return UNKNOWN
    text = details["ctx"]["got"] if details["type"] == "rule" else repr(details["input"])
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[:MAX_VALUE_CHARS]}…"


def violations_error(violations: list[Violation], paths: str) -> ParamError:
    """Return one error that names all violations in ``paths``, the params files."""
    if len(violations) > 1:
        return ParamError(paths, "values as described in the comments",
                          f"{len(violations)} invalid keys: {'; '.join(map(str, violations))}",
                          f"See the comments in {paths}.")  # fmt: skip
    violation = violations[0]
    got = "nothing" if violation.got == MISSING else violation.got
    remedy = f"See the comment beside the key in {paths}."
    return ParamError(f"{paths}: {violation.key}", violation.expected, got, remedy)


def _param_error(error: ValidationError, sources: dict[str, str], prefix: str = "") -> ParamError:
    keys = [str(details["loc"][0]) if details["loc"] else "" for details in error.errors(include_url=False)]
    paths = ", ".join(dict.fromkeys(sources.get(key, PARAMS_FILE) for key in keys))
    return violations_error(list_violations(error, prefix), paths)
