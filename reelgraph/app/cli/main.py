"""The command line ``reelgraph``: one command a question. What they compute lies elsewhere."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reelgraph.app.cli import download, formatting
from reelgraph.app.cli.context import EXIT_EMPTY, Json, exit_on_error, open_bundle, open_ratings, print_result

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What somebody would give a movie, what to watch, and which movies are alike.\n\n"
    "Exit codes: 0 done; 1 refused, with the reason; 2 a wrong command line; 3 nothing found.",
)


class VectorKind(StrEnum):
    """What makes movies alike."""

    text = "text"
    graph = "graph"
    both = "both"


Folder = Annotated[
    Path | None,
    typer.Option("--bundle", help="Folder of a bundle; else bundle/, else what the pipeline left in data/.",
                 envvar="REELGRAPH_BUNDLE", show_default=False),
]  # fmt: skip
Ratings = Annotated[
    Path,
    typer.Option("--ratings", "-r", help="Your ratings, as Letterboxd, IMDb, Trakt or MovieLens export them.",
                 show_default=False),
]  # fmt: skip
Top = Annotated[int, typer.Option("--top", "-n", min=1, max=1000, help="How many.")]


@app.command()
def predict(
    movies: Annotated[list[str], typer.Argument(help="Titles, with the year where several have them.")],
    ratings: Ratings,
    bundle: Folder = None,
    json: Json = False,
) -> None:
    """Say what you would give movies: stars, an interval, and which of your ratings moved it.

    Example: reelgraph predict --ratings ratings.csv "Heat (1995)" "Matrix, The"
    """
    with exit_on_error(json):
        opened = open_bundle(bundle)
        history = open_ratings(ratings, opened).history
        found = opened.predict_rows(history, [opened.resolve(movie) for movie in movies])
        print_result({"predictions": found}, json, lambda: formatting.format_predictions(found))


@app.command()
def recommend(
    ratings: Ratings,
    top: Top = 20,
    genre: Annotated[str | None, typer.Option(help="Only this genre.", show_default=False)] = None,
    since: Annotated[int | None, typer.Option(help="Only of this year or later.", show_default=False)] = None,
    exclude_popular: Annotated[
        bool, typer.Option("--exclude-popular", help="Leave out the tenth that most people rated.")
    ] = False,
    diverse: Annotated[bool, typer.Option("--diverse", help="Movies unlike each other.")] = False,
    bundle: Folder = None,
    json: Json = False,
) -> None:
    """Rank the movies that you haven't rated by what you would give them, each with its reasons.

    Example: reelgraph recommend --ratings ratings.csv --top 5 --genre Drama --since 1990
    """
    with exit_on_error(json):
        opened = open_bundle(bundle)
        marks = opened.candidate_mask(genre, since, exclude_popular)
        found = opened.recommend_rows(open_ratings(ratings, opened).history, marks, top, diverse)
        print_result(
            {"recommendations": found}, json, lambda: formatting.format_predictions(found, numbered=True)
        )
    if not found:
        sys.exit(EXIT_EMPTY)


@app.command()
def similar(
    movie: Annotated[str, typer.Argument(help="A title, with the year where several have it.")],
    by: Annotated[
        VectorKind, typer.Option(help="Vectors of the text, of the knowledge graph, or both.")
    ] = VectorKind.both,
    top: Top = 10,
    bundle: Folder = None,
    json: Json = False,
) -> None:
    """Name the nearest movies, and what they have in common.

    Example: reelgraph similar "Spirited Away" --by graph
    """
    with exit_on_error(json):
        opened = open_bundle(bundle)
        row = opened.resolve(movie)
        found = opened.similar(int(opened.library.movie_ids[row]), by.value, top)
        values: dict[str, Any] = {"movie": opened.library.label(row), "by": by.value, "similar": found}
        print_result(
            values,
            json,
            lambda: f"{opened.library.label(row)}, by {by.value}:\n{formatting.format_similar(found)}",
        )


@app.command()
def match_ratings(
    file: Annotated[Path, typer.Argument(help="As Letterboxd, IMDb, Trakt or MovieLens export it.")],
    bundle: Folder = None,
    json: Json = False,
) -> None:
    """Read a file of ratings and say which rows are which movies, and which are none, and why.

    Example: reelgraph match-ratings ratings.csv
    """
    from reelgraph.app.rating_imports.ratings_file import match_ratings, read_ratings_file

    with exit_on_error(json):
        read = read_ratings_file(file)
        opened = open_bundle(bundle)
        matched = match_ratings(read, opened.library, opened.title_index)
        movies = [{"line": given.line, "given": given.title, "stars": given.stars, "by": how,
                   "movie_id": int(opened.library.movie_ids[row]), "movie": opened.library.label(row)}
                  for given, row, how in matched.matches]  # fmt: skip
        values = {"site": read.site, "scale": read.scale, "rows": read.rows, "matched": movies,
                  "not_matched": matched.skipped}  # fmt: skip
        print_result(values, json, lambda: formatting.format_matches(matched))
    if not matched.matches:
        sys.exit(EXIT_EMPTY)


@app.command()
def doctor(bundle: Folder = None, json: Json = False) -> None:
    """Say what is installed, which data and models are here, what is stale, and what to do next.

    Example: reelgraph doctor
    """
    from reelgraph.app.cli import doctor

    found = doctor.run_checks(bundle)
    print_result({"checks": found}, json, lambda: doctor.format_checks(found))
    if any(each.state == "broken" for each in found):
        sys.exit(1)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where the bundle goes; replaced as a whole.")],
    movielens: Annotated[
        Path | None,
        typer.Option(
            help="A MovieLens folder with the same movie ids: titles in English, ids of IMDb and TMDB. "
            "Else that of params.yaml.",
            show_default=False,
        ),
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also model.onnx, for onnxruntime.")] = False,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Also as word2vec text and for TensorBoard's Projector.")
    ] = False,
    json: Json = False,
) -> None:
    """Write what the pipeline made as one folder that needs neither DVC nor the pipeline.

    Example: reelgraph export bundle --embeddings
    """  # fmt: skip
    from reelgraph.app.bundle import export

    with exit_on_error(json):
        sizes = export.export(folder, movielens, onnx, embeddings)
        print_result(
            {"folder": str(folder), "bytes": sizes}, json, lambda: export.format_sizes(folder, sizes)
        )


@app.command()
def serve(
    bundle: Folder = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Anything but this machine's own shows it to others.")
    ] = "127.0.0.1",
    json: Json = False,
) -> None:
    """Open a page for people: search, give stars, see recommendations; on this machine only.

    Example: reelgraph serve --port 8000
    """
    from reelgraph.app.server import server

    with exit_on_error(json):
        server.serve(
            open_bundle(bundle), host, port, lambda url: print_result({"url": url}, json, lambda: url)
        )


for command in (download.movielens, download.tmdb):
    app.command()(command)


if __name__ == "__main__":
    app()
