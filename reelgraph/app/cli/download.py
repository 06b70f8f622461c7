"""Commands that fetch data from elsewhere: MovieLens from GroupLens, metadata from TMDB."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reelgraph.app.cli.context import EXIT_ERROR, Json, exit_on_error, print_result

GROUPLENS_URL = "https://files.grouplens.org/datasets/movielens/"
TMDB_URL = "https://api.themoviedb.org/3"


class Edition(StrEnum):
    """Editions of MovieLens that can be fetched."""

    latest_small = "ml-latest-small"
    ml_32m = "ml-32m"


def movielens(
    edition: Annotated[Edition, typer.Argument(help="Which edition.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder to unpack to; else data/input/EDITION.", show_default=False)
    ] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Accept the licence without being asked.")] = False,
    server: Annotated[str, typer.Option(help="Another server with GroupLens' files.")] = GROUPLENS_URL,
    json: Json = False,
) -> None:
    """Show GroupLens' licence, then download an edition of MovieLens and check it.

    Example: reelgraph download movielens ml-latest-small --to ml-latest-small
    """
    from reelgraph.app.download import movielens as grouplens
    from reelgraph.app.download.http import HttpClient

    with exit_on_error(json):
        client, folder = HttpClient(server), to or Path("data/input") / edition.value
        typer.echo(
            f"{edition.value}, usage licence:\n\n{grouplens.read_licence(client, edition.value)}\n", err=json
        )
        if not accept and not typer.confirm("Do you accept it?", err=json):
            sys.exit(EXIT_ERROR)
        size = grouplens.download_edition(client, edition.value, folder)
        use = f"dvc exp run -S data.source=movielens -S data.movielens={folder.resolve()}"
        values = {"folder": str(folder), "bytes": size, "use": use}
        print_result(values, json, lambda: f"{size:,} bytes, checked, unpacked to {folder}. Use it: {use}")


def tmdb(
    links: Annotated[Path, typer.Option(help="MovieLens' links.csv.", show_default=False)],
    to: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data/input/tmdb"),
    key: Annotated[
        str,
        typer.Option(envvar="TMDB_API_KEY", help="Your key or token.", show_default=False, show_envvar=True),
    ] = "",
    server: Annotated[str, typer.Option(help="Another server with TMDB's API.")] = TMDB_URL,
    json: Json = False,
) -> None:
    """Fetch metadata and credits of MovieLens' movies from TMDB with your key; goes on where it was stopped.

    Example: TMDB_API_KEY=... reelgraph download tmdb --links ml-latest-small/links.csv
    """
    from reelgraph.app.download import tmdb as api
    from reelgraph.runtime.errors import InputError

    with exit_on_error(json):
        if not key.strip():
            raise InputError("TMDB_API_KEY", "your key of TMDB's API", "none",
                             "Get one at themoviedb.org under Settings, API.")  # fmt: skip
        counts = api.fetch_movies(*api.make_client(key.strip(), server), links, to)
        told = ", ".join(f"{name}: {count:,}" for name, count in counts.items() if count)
        print_result({"folder": str(to), "counts": counts}, json, lambda: f"{to}: {told}")
