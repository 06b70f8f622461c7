"""How commands speak: text for people, one JSON object for programs; refusals with an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelgraph.runtime.errors import InputError, ReelgraphError

if TYPE_CHECKING:  # torch takes a second to import, which --help need not wait for
    from reelgraph.app.bundle.model import Bundle
    from reelgraph.app.rating_imports.ratings_file import MatchedRatings

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

EXIT_ERROR, EXIT_EMPTY = 1, 3
"""Exit codes: what was given can't be used; nothing was found. 2 is a wrong command line."""


def print_result(values: dict[str, Any], as_json: bool, text: Callable[[], str]) -> None:
    """Print the values as JSON, or what ``text`` makes of them."""
    said = (
        json.dumps(to_jsonable(values), ensure_ascii=False, indent=2, allow_nan=False) if as_json else text()
    )
    print(said, flush=True)


def to_jsonable(value: Any) -> Any:
    """Return dataclasses and tuples as JSON knows them."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_jsonable(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, dict):
        return {key: to_jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_jsonable(each) for each in value]
    return value


@contextmanager
def exit_on_error(as_json: bool) -> Iterator[None]:
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
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_ERROR)


PIPELINE, BUNDLE = Path("data"), Path("bundle")


def open_bundle(folder: Path | None) -> Bundle:
    """Load the bundle at ``folder``; without one ``bundle/``, else what the pipeline left under ``data/``.

    Raises:
        InputError: there is none of them.
        ArtifactError: it is broken.
    """
    from reelgraph.app.bundle.from_pipeline import collect_contents, movielens_from_params
    from reelgraph.app.bundle.model import Bundle, load

    use_one_thread()
    if folder is None and not (BUNDLE / "config.json").is_file():
        if not (PIPELINE / "model").is_dir():
            raise InputError("--bundle", f"a bundle, such as {BUNDLE}/, or the pipeline's {PIPELINE}/model/",
                             "neither here", "Run `make repro`, or name a bundle's folder.")  # fmt: skip
        return Bundle(collect_contents(PIPELINE, movielens_from_params()))
    place = folder or BUNDLE
    if not place.is_dir():
        raise InputError("--bundle", "a bundle's folder", f"no folder {place}",
                         f"Write it with `reelgraph export {place}`.")  # fmt: skip
    return load(place)


def use_one_thread() -> None:
    """Answer in one thread: one person's matrices are small, and threads wait for each other."""
    import reelgraph.core.torch_setup  # noqa: F401  before torch: it says how torch's threads wait

    import torch  # isort: skip

    torch.set_num_threads(1)


def open_ratings(path: Path, bundle: Bundle) -> MatchedRatings:
    """Read a person's ratings and find their movies.

    Raises:
        InputError: it is no file of ratings, or none of its movies is in the bundle.
    """
    from reelgraph.app.rating_imports.ratings_file import match_ratings, read_ratings_file

    matched = match_ratings(read_ratings_file(path), bundle.library, bundle.title_index)
    if not matched.matches:
        raise InputError(str(path), "a rating of a movie of the bundle", "none",
                         f"`reelgraph match-ratings {path}` says why.")  # fmt: skip
    return matched
