"""What the commands share: opening bundles and rating files, printing results, exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from reelgraph.runtime.errors import InputError, ReelgraphError, wrap_os_error

if TYPE_CHECKING:  # importing torch takes a second, which --help should not need
    from reelgraph.app.bundle.model import Bundle
    from reelgraph.app.bundle.new_user import UserRating

RATINGS_HELP = (
    "Your ratings: a site's export, as a file or its zip archive, or a table with title, year and rating."
)
BundleOption = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        help="Folder of a bundle; by default bundle/ or, if there is none, the pipeline's outputs in data/.",
        envvar="REELGRAPH_BUNDLE",
        show_default=False,
    ),
]


Scale = Literal["5", "10", "100"]
"""The highest rating of the supported scales."""
ScaleOption = Annotated[
    Scale | None,
    typer.Option(
        "--scale", help="Highest rating of your file; by default told from the file.", show_default=False
    ),
]
TopOption = Annotated[int, typer.Option("--top", "-n", min=1, max=1000, help="Number of movies.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as a JSON object.")]

EXIT_ERROR = 1
"""Exit code if an input can't be used."""
EXIT_EMPTY = 3
"""Exit code if there is no result; 2 is typer's code for a wrong command line."""

CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

PIPELINE_FOLDER = Path("data")
BUNDLE_FOLDER = Path("bundle")


def print_result(result: dict[str, Any], as_json: bool, format_text: Callable[[], str]) -> None:
    """Print the result as JSON, or as the text that ``format_text`` returns."""
    if as_json:
        print(_to_json(result), flush=True)
    else:
        print(escape_controls(format_text()), flush=True)


def print_warning(text: str) -> None:
    """Print a message to stderr."""
    print(f"reelgraph: {escape_controls(text)}", file=sys.stderr, flush=True)


def escape_controls(text: str) -> str:
    """Escape characters that control a terminal or reverse its text, and halves of surrogate pairs."""
    return CONTROL_CHARACTERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _to_json(result: Any) -> str:
    # Python's way to write characters that the terminal lacks is not that of JSON.
    is_utf = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(result, default=asdict, ensure_ascii=not is_utf, indent=2, allow_nan=False)
    return escape_controls(text)


@contextmanager
def exit_on_error(as_json: bool) -> Iterator[None]:
    """Print an expected error to stderr, or as JSON to stdout, and exit with code 1.

    These are a ``ReelgraphError``, what the operating system refuses, and arguments that are not UTF-8.
    """
    try:
        yield
    except ReelgraphError as error:
        _exit_with(error, as_json)
    except BrokenPipeError:
        _discard_unwritable_output()
        sys.exit(EXIT_ERROR)
    except OSError as error:
        _exit_with(wrap_os_error(error, "the output"), as_json and error.filename is not None)
    except UnicodeEncodeError as error:
        remedy = "Check the encoding of the terminal or of the script."
        _exit_with(InputError(ascii(error.object[:100]), "text in UTF-8", "other bytes", remedy), as_json)


def _exit_with(error: ReelgraphError, as_json: bool) -> NoReturn:
    try:
        if as_json:
            names = ("where", "expected", "got", "remedy")
            print(_to_json({"error": {name: getattr(error, name) for name in names}}), flush=True)
        else:
            print_warning(str(error))
    except OSError as output_error:
        with suppress(OSError):  # no place is left for a message
            print_warning(str(wrap_os_error(output_error, "the output")))
    _discard_unwritable_output()
    sys.exit(EXIT_ERROR)


def _discard_unwritable_output() -> None:
    """Redirect stdout to the null device if it can't be flushed, since flushing it at exit would fail too."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError):  # a stream without a file
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class CommandLine(typer.Typer):
    """A typer application whose output never fails on characters, nor ends with a traceback of the system."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command of the arguments."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        with exit_on_error(False):
            try:
                return super().__call__(*args, **kwargs)
            finally:
                if sys.stdout is not None:
                    sys.stdout.flush()


def open_bundle(folder: Path | None) -> Bundle:
    """Load the bundle in ``folder``, by default ``bundle/``, or else the pipeline's outputs in ``data/``.

    Raises:
        InputError: none of them exists.
        ArtifactError: the bundle is corrupt.
    """
    from reelgraph.app.bundle.from_pipeline import collect_contents
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
        return Bundle(collect_contents(PIPELINE_FOLDER))
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


def open_histories(
    paths: Sequence[Path], folder: Path | None, scale: Scale | None
) -> tuple[Bundle, list[list[UserRating]]]:
    """Load the bundle, and the ratings of a user from each path; print what may be wrong to stderr.

    Raises:
        InputError: there is no bundle, a file is not a rating export, or none of its movies is in the bundle.
        ArtifactError: the bundle is corrupt.
    """
    bundle = open_bundle(folder)
    return bundle, [_open_history(path, bundle, scale) for path in paths]


def _open_history(path: Path, bundle: Bundle, scale: Scale | None) -> list[UserRating]:
    from reelgraph.app.rating_imports.matching import match_ratings
    from reelgraph.app.rating_imports.ratings_file import read_ratings_file

    file = read_ratings_file(path, int(scale) if scale else None)
    matched = match_ratings(file, bundle.catalog, bundle.title_index)
    if not matched.matches:
        raise InputError(
            str(path),
            "a rating of a movie of the bundle",
            "none",
            f"See the reasons: `reelgraph match-ratings {path}`.",
        )
    for warning in file.warnings:
        print_warning(warning)
    if matched.skipped:
        print_warning(
            f"{len(matched.skipped):,} of {file.rows:,} rows are not used. "
            f"See the reasons: `reelgraph match-ratings {path}`."
        )
    return matched.history
