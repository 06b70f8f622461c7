"""The commands ``export`` and ``add-movies``, which write a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reelgraph.app.cli.context import BUNDLE_FOLDER, JsonOption, exit_on_error, print_result


def export(
    folder: Annotated[Path, typer.Argument(help="Folder of the bundle; an existing bundle is replaced.")],
    movielens: Annotated[
        Path | None,
        typer.Option(
            help="A MovieLens folder with the same movie ids, for English titles and ids at IMDb and TMDB; "
            "by default that of params.yaml.",
            show_default=False,
        ),
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also write model.onnx, for onnxruntime.")] = False,
    embeddings: Annotated[
        bool,
        typer.Option(
            "--embeddings", help="Also write vectors as word2vec text and for TensorBoard's Projector."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Write the pipeline's model as a self-contained folder, which needs neither DVC nor the pipeline.

    Example: reelgraph export bundle --embeddings
    """
    from reelgraph.app.bundle import export as exporter

    with exit_on_error(json):
        _print_sizes(folder, exporter.export(folder, movielens, onnx, embeddings), json)


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
        _print_sizes(to, exporter.export(to, new_movies=catalogue), json)


def _print_sizes(folder: Path, sizes: dict[str, int], as_json: bool) -> None:
    """Print the sizes of a bundle's files."""
    lines = [f"{size:>13,} bytes  {name}" for name, size in sizes.items()]
    total = f"{sum(sizes.values()):>13,} bytes  in total"
    text = "\n".join([*lines, total, f'Load it with reelgraph.load("{folder}").'])
    print_result({"folder": str(folder), "bytes": sizes}, as_json, lambda: text)
