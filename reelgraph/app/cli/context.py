"""What the commands share: opening bundles and rating files, printing results, exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelgraph.runtime.errors import InputError, ReelgraphError

if TYPE_CHECKING:  # importing torch takes a second, which --help should not need
    from reelgraph.app.bundle.model import Bundle
    from reelgraph.app.rating_imports.ratings_file import MatchedRatings

BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        help="Folder of a bundle; by default bundle/ or, if there is none, the pipeline's outputs in data/.",
        envvar="REELGRAPH_BUNDLE",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as a JSON object.")]

EXIT_ERROR = 1
"""Exit code if an input can't be used."""
EXIT_EMPTY = 3
"""Exit code if there is no result; 2 is typer's code for a wrong command line."""

PIPELINE_FOLDER = Path("data")
BUNDLE_FOLDER = Path("bundle")


def print_result(result: dict[str, Any], as_json: bool, format_text: Callable[[], str]) -> None:
    """Print the result as JSON, or as the text that ``format_text`` returns."""
    if as_json:
        from reelgraph.app.bundle.results import to_jsonable

        print(json.dumps(to_jsonable(result), ensure_ascii=False, indent=2, allow_nan=False), flush=True)
    else:
        print(format_text(), flush=True)


@contextmanager
def exit_on_error(as_json: bool) -> Iterator[None]:
    """Print a ``ReelgraphError`` to stderr, or as JSON to stdout, and exit with code 1."""
    try:
        yield
    except ReelgraphError as error:
        if as_json:
            fields = {
                "where": error.where,
                "expected": error.expected,
                "got": error.got,
                "remedy": error.remedy,
            }
            print(json.dumps({"error": fields}, ensure_ascii=False, indent=2))
        else:
            print(f"reelgraph: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_ERROR)


def open_bundle(folder: Path | None) -> Bundle:
    """Load the bundle in ``folder``, by default ``bundle/``, or else the pipeline's outputs in ``data/``.

    Raises:
        InputError: none of them exists.
        ArtifactError: the bundle is corrupt.
    """
    from reelgraph.app.bundle.from_pipeline import collect_contents, movielens_from_params
    from reelgraph.app.bundle.model import Bundle, load

    use_one_thread()
    if folder is None and not (BUNDLE_FOLDER / "config.json").is_file():
        if not (PIPELINE_FOLDER / "model").is_dir():
            raise InputError(
                "--bundle",
                f"a bundle, such as {BUNDLE_FOLDER}/, or the pipeline's {PIPELINE_FOLDER}/model/",
                "neither",
                "Run `make repro`, or give the folder of a bundle.",
            )
        return Bundle(collect_contents(PIPELINE_FOLDER, movielens_from_params()))
    path = folder or BUNDLE_FOLDER
    if not path.is_dir():
        raise InputError(
            "--bundle", "the folder of a bundle", f"no folder {path}", f"Write it: `reelgraph export {path}`."
        )
    return load(path)


def use_one_thread() -> None:
    """Let torch compute in one thread, which is faster for the small matrices of a single user."""
    import reelgraph.core.torch_setup  # noqa: F401  sets environment variables that torch reads on import

    import torch  # isort: skip

    torch.set_num_threads(1)


def open_ratings(path: Path, bundle: Bundle) -> MatchedRatings:
    """Read a user's ratings and match them with the bundle's movies.

    Raises:
        InputError: the file is not a rating export, or none of its movies is in the bundle.
    """
    from reelgraph.app.rating_imports.ratings_file import match_ratings, read_ratings_file

    matched = match_ratings(read_ratings_file(path), bundle.catalog, bundle.title_index)
    if not matched.matches:
        raise InputError(
            str(path),
            "a rating of a movie of the bundle",
            "none",
            f"See the reasons: `reelgraph match-ratings {path}`.",
        )
    return matched
