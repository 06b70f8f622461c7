"""The command line ``reelgraph``: its commands and their options."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from reelgraph.app.cli import download, export, formatting, recommend, taste
from reelgraph.app.cli.context import (
    EXIT_EMPTY,
    EXIT_ERROR,
    RATINGS_HELP,
    BundleOption,
    CommandLine,
    JsonOption,
    ScaleOption,
    TopOption,
    exit_on_error,
    open_bundle,
    open_histories,
    print_result,
)

app = CommandLine(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Predict a user's movie ratings, recommend movies and find similar movies.\n\n"
    "Exit codes: 0 success; 1 an input can't be used; 2 wrong command line; 3 no result.",
)
app.add_typer(download.app, name="download")
app.command()(recommend.recommend)
app.command()(taste.compare)
app.command()(taste.backtest)
app.command()(export.export)
app.command()(export.add_movies)


def _print_version(is_given: bool) -> bool:
    if is_given:
        print(f"reelgraph {version('reelgraph')}")
        raise typer.Exit
    return is_given


@app.callback()
def _global_options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def predict(
    movies: Annotated[list[str], typer.Argument(help="Titles, with the year if a title is ambiguous.")],
    ratings: Annotated[list[Path], typer.Option("--ratings", "-r", help=RATINGS_HELP, show_default=False)],
    scale: ScaleOption = None,
    bundle: BundleOption = None,
    json: JsonOption = False,
) -> None:
    """Predict your rating of movies: stars, the likely stars, and the ratings that contributed most.

    The prediction for a movie that you have rated leaves your rating of it out.

    Example: reelgraph predict --ratings ratings.csv "Heat (1995)" "Matrix, The"
    """
    if len(ratings) > 1:
        raise typer.BadParameter("Give the ratings of one user.", param_hint="--ratings")
    with exit_on_error(json):
        model, [history] = open_histories(ratings, bundle, scale)
        rows = [model.resolve(movie) for movie in movies]
        predictions = model.predict_rows(history, rows)
        stars = {rating.row: rating.stars for rating in history}
        left_out = [stars.get(row) for row in rows]
        print_result(
            {"predictions": predictions, "left_out_stars": left_out},
            json,
            lambda: formatting.format_predictions(predictions, left_out),
        )


@app.command()
def similar(
    movie: Annotated[str, typer.Argument(help="A title, with the year if the title is ambiguous.")],
    by: Annotated[
        Literal["audience", "text", "graph", "both"] | None,
        typer.Option(
            help="Who watches and likes them, text, graph, or the last two; by default audience if rated.",
            show_default=False,
        ),
    ] = None,
    top: TopOption = 10,
    bundle: BundleOption = None,
    json: JsonOption = False,
) -> None:
    """Find the most similar movies, and what they have in common.

    Example: reelgraph similar "Spirited Away" --by graph
    """
    with exit_on_error(json):
        model = open_bundle(bundle)
        row = model.resolve(movie)
        label = model.catalog.label(row)
        kind = by or model.similarity.default_kind(row)
        movies = model.similar(int(model.catalog.movie_ids[row]), kind, top)
        result: dict[str, Any] = {"movie": label, "by": kind, "similar": movies}
        print_result(
            result,
            json,
            lambda: f"{label}, by {kind}:\n{formatting.format_similar(movies) or 'No other movie.'}",
        )


@app.command()
def match_ratings(
    file: Annotated[Path, typer.Argument(help=RATINGS_HELP)],
    scale: ScaleOption = None,
    bundle: BundleOption = None,
    json: JsonOption = False,
) -> None:
    """Match a file of ratings with the bundle's movies, and list the rows that are skipped, with the reasons.

    Example: reelgraph match-ratings ratings.csv
    """
    from reelgraph.app.rating_imports import matching, ratings_file

    with exit_on_error(json):
        parsed = ratings_file.read_ratings_file(file, int(scale) if scale else None)
        model = open_bundle(bundle)
        matched = matching.match_ratings(parsed, model.catalog, model.title_index)
        matches = [
            {
                "line": match.rating.line,
                "title": match.rating.title,
                "stars": match.rating.stars,
                "matched_by": match.matched_by,
                "movie_id": int(model.catalog.movie_ids[match.row]),
                "movie": model.catalog.label(match.row),
            }
            for match in matched.matches
        ]
        result = {
            "site": parsed.site,
            "scale": parsed.scale,
            "rows": parsed.rows,
            "notes": parsed.notes,
            "warnings": parsed.warnings,
            "matched": matches,
            "skipped": matched.skipped,
        }
        print_result(result, json, lambda: formatting.format_matches(matched))
    if not matched.matches:
        sys.exit(EXIT_EMPTY)


@app.command()
def doctor(bundle: BundleOption = None, json: JsonOption = False) -> None:
    """Check packages, data, model, stages and bundle, and say what to do next.

    Example: reelgraph doctor
    """
    from reelgraph.app.cli.doctor import format_checks, run_checks

    with exit_on_error(json):
        checks = run_checks(bundle)
        print_result({"checks": checks}, json, lambda: format_checks(checks))
    if any(check.state == "broken" for check in checks):
        sys.exit(EXIT_ERROR)


@app.command()
def serve(
    bundle: BundleOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 selects a free one.")] = 8000,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on. By default only this machine can open the page."),
    ] = "127.0.0.1",
    posters: Annotated[
        bool, typer.Option("--posters", help="Show posters from TMDB in details; needs your key for its API.")
    ] = False,
    key: download.KeyOption = "",
    tmdb_server: download.TmdbServerOption = download.TMDB_URL,
    json: JsonOption = False,
) -> None:
    """Serve a web page: search movies, rate them, get recommendations.

    Example: reelgraph serve --port 8000
    """
    from reelgraph.app.download.posters import PosterClient
    from reelgraph.app.download.tmdb import make_client
    from reelgraph.app.server import server

    with exit_on_error(json):
        poster_client = PosterClient(make_client(key.strip(), tmdb_server)) if posters else None
        server.serve(
            open_bundle(bundle),
            host,
            port,
            lambda url: print_result({"url": url}, json, lambda: url),
            poster_client,
        )


if __name__ == "__main__":
    app()
