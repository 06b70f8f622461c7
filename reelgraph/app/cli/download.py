"""The commands ``reelgraph download``: MovieLens from GroupLens, metadata from TMDB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from reelgraph.app.cli.context import EXIT_ERROR, JsonOption, escape_controls, exit_on_error, print_result

GROUPLENS_URL = "https://files.grouplens.org/datasets/movielens/"
TMDB_URL = "https://api.themoviedb.org/3"

KeyOption = Annotated[
    str,
    typer.Option(
        "--key", envvar="TMDB_API_KEY", help="Your API key or token.", show_default=False, show_envvar=True
    ),
]
TmdbServerOption = Annotated[str, typer.Option(help="URL of another server with TMDB's API.")]

app = typer.Typer(no_args_is_help=True, help="Download MovieLens, or metadata of its movies from TMDB.")


@app.command()
def movielens(
    edition: Annotated[Literal["ml-latest-small", "ml-32m"], typer.Argument(help="Name of the data set.")],
    to: Annotated[
        Path | None,
        typer.Option(help="Folder to extract to; by default data/input/EDITION.", show_default=False),
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Accept the licence without a prompt.")] = False,
    server: Annotated[str, typer.Option(help="URL of a mirror of GroupLens' files.")] = GROUPLENS_URL,
    json: JsonOption = False,
) -> None:
    """Show GroupLens' licence, then download a MovieLens data set and verify its checksum.

    Example: reelgraph download movielens ml-latest-small --to ml-latest-small
    """
    from reelgraph.app.download import movielens as grouplens
    from reelgraph.app.download.http import HttpClient

    with exit_on_error(json):
        client = HttpClient(server)
        folder = to or Path("data/input") / edition
        licence = grouplens.read_licence(client, edition)
        typer.echo(escape_controls(f"{edition}, usage licence:\n\n{licence}\n"), err=json)
        if not accept and not typer.confirm("Do you accept it?", err=json):
            sys.exit(EXIT_ERROR)
        size = grouplens.download_edition(client, edition, folder)
        command = f"dvc exp run -S data.source=movielens -S data.movielens={folder.resolve()}"
        result = {"folder": str(folder), "bytes": size, "use": command}
        print_result(
            result, json, lambda: f"{size:,} bytes, verified and extracted to {folder}. Use it: {command}"
        )


@app.command()
def tmdb(
    links: Annotated[Path, typer.Option(help="MovieLens' links.csv.", show_default=False)],
    to: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data/input/tmdb"),
    key: KeyOption = "",
    server: TmdbServerOption = TMDB_URL,
    json: JsonOption = False,
) -> None:
    """Download metadata and credits of MovieLens' movies from TMDB; continues an interrupted download.

    Example: TMDB_API_KEY=... reelgraph download tmdb --links ml-latest-small/links.csv
    """
    from reelgraph.app.download import tmdb as api

    with exit_on_error(json):
        counts = api.download_movies(api.make_client(key.strip(), server), links, to)
        text = ", ".join(f"{name}: {count:,}" for name, count in counts.items() if count)
        print_result({"folder": str(to), "counts": counts}, json, lambda: f"{to}: {text}")
