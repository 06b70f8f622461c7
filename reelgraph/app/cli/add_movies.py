"""The command ``reelgraph add-movies``: a bundle with movies that nobody has rated yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelgraph.app.cli.context import BUNDLE_FOLDER, JsonOption, exit_on_error, print_result


def add_movies(
    catalogue: Annotated[
        Path, typer.Argument(help="Parquet or CSV file with movieId and other columns of the catalogue.")
    ],
    to: Annotated[
        Path, typer.Option(help="Folder of the bundle; an existing bundle is replaced.")
    ] = BUNDLE_FOLDER,
    json: JsonOption = False,
) -> None:
    """Write the pipeline's model as a bundle with new movies, which are predicted from their content.

    Nothing is trained again.

    Example: reelgraph add-movies new.csv --to bundle
    """
    from reelgraph.app.bundle import export as exporter

    with exit_on_error(json):
        sizes = exporter.export(to, new_movies=catalogue)
        result = {"folder": str(to), "bytes": sizes}
        print_result(result, json, lambda: exporter.format_sizes(to, sizes))
