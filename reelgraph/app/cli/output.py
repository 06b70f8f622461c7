"""How commands speak: text for people, one JSON object for programs; refusals with an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Annotated, Any

import typer

from reelgraph.runtime.errors import ReelgraphError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

REFUSED, NOTHING = 1, 3
"""Exit codes: what was given can't be used; nothing was found. 2 is a wrong command line."""


def say(values: dict[str, Any], as_json: bool, text: Callable[[], str]) -> None:
    """Print the values as JSON, or what ``text`` makes of them."""
    said = json.dumps(plain(values), ensure_ascii=False, indent=2, allow_nan=False) if as_json else text()
    print(said, flush=True)


def plain(value: Any) -> Any:
    """Return dataclasses and tuples as JSON knows them."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


@contextmanager
def refusing(as_json: bool) -> Iterator[None]:
    """Turn a refusal into one message, on stderr, or as JSON, and exit code 1."""
    try:
        yield
    except ReelgraphError as error:
        if as_json:
            parts = {
                "where": error.where,
                "expected": error.expected,
                "got": error.got,
                "remedy": error.remedy,
            }
            print(json.dumps({"error": parts}, ensure_ascii=False, indent=2))
        else:
            print(f"reelgraph: {error}", file=sys.stderr)
        sys.exit(REFUSED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(REFUSED)
