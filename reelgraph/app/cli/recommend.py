"""The command ``recommend``: filters, lists of movies, and several users."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from reelgraph.app.cli import formatting
from reelgraph.app.cli.context import (
    EXIT_EMPTY,
    RATINGS_HELP,
    BundleOption,
    JsonOption,
    ScaleOption,
    TopOption,
    exit_on_error,
    open_histories,
    print_result,
    print_warning,
)
from reelgraph.runtime.errors import InputError

if TYPE_CHECKING:
    from reelgraph.app.bundle.model import Bundle
    from reelgraph.app.bundle.new_user import UserRating

WATCHLIST = "watchlist"
SEVERAL = "may be repeated"


def recommend(
    ratings: Annotated[
        list[Path],
        typer.Option(
            "--ratings", "-r", help=f"{RATINGS_HELP} {SEVERAL.capitalize()}: one list for all users."
        ),
    ],
    top: TopOption = 20,
    genre: Annotated[
        list[str] | None, typer.Option(help="Only this genre; of several, all.", show_default=False)
    ] = None,
    exclude_genre: Annotated[
        list[str] | None, typer.Option(help=f"Not this genre; {SEVERAL}.", show_default=False)
    ] = None,
    since: Annotated[
        int | None, typer.Option(min=1800, max=2200, help="Only this year or later.", show_default=False)
    ] = None,
    until: Annotated[
        int | None, typer.Option(min=1800, max=2200, help="Only this year or earlier.", show_default=False)
    ] = None,
    min_runtime: Annotated[
        int | None, typer.Option(min=1, help="Only movies of so many minutes or more.", show_default=False)
    ] = None,
    max_runtime: Annotated[
        int | None, typer.Option(min=1, help="Only movies of so many minutes or less.", show_default=False)
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Only this language: its name or code, such as ja.", show_default=False)
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="Only this country: its name or code, such as JP.", show_default=False)
    ] = None,
    min_ratings: Annotated[int, typer.Option(min=0, help="Only movies with this many training ratings.")] = 0,
    exclude_popular: Annotated[
        bool, typer.Option("--exclude-popular", help="Exclude the 10 % of movies with the most ratings.")
    ] = False,
    by: Annotated[
        Literal["ranker", "stars"],
        typer.Option(help="Order by what users watch next and like, or by predicted stars."),
    ] = "ranker",
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Prefer movies that differ from each other; for one user.")
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Only movies of this list: a file with titles, or watchlist for that of your archive.",
            show_default=False,
        ),
    ] = None,
    without: Annotated[
        list[Path] | None,
        typer.Option(help=f"No movies of this list, a file with titles; {SEVERAL}.", show_default=False),
    ] = None,
    rated_since: Annotated[
        int | None,
        typer.Option(min=1970, max=2200, help="Only your ratings of this year or later.", show_default=False),
    ] = None,
    group: Annotated[
        Literal["least-misery", "mean"] | None,
        typer.Option(
            help="Of several users: order by the lowest of their scores, or by the mean; "
            "by default least-misery.",
            show_default=False,
        ),
    ] = None,
    scale: ScaleOption = None,
    bundle: BundleOption = None,
    json: JsonOption = False,
) -> None:
    """Recommend movies that you have neither rated nor watched, with the ratings of yours that are reasons.

    Example: reelgraph recommend --ratings letterboxd.zip --top 5 --genre Drama --since 1990
    """
    if diverse and len(ratings) > 1:
        raise typer.BadParameter("It is for the ratings of one user.", param_hint="--diverse")
    if group is not None and len(ratings) == 1:
        raise typer.BadParameter("It is for the ratings of several users.", param_hint="--group")
    with exit_on_error(json):
        from reelgraph.app.bundle.filters import make_filters
        from reelgraph.app.bundle.group import recommend_to_group
        from reelgraph.app.rating_imports.archives import WATCHED_FILES

        filters = make_filters(
            genres=genre or (),
            exclude_genres=exclude_genre or (),
            since=since,
            until=until,
            min_runtime=min_runtime,
            max_runtime=max_runtime,
            language=language,
            country=country,
            min_ratings=min_ratings,
            exclude_popular=exclude_popular,
        )
        model, histories = open_histories(ratings, bundle, scale)
        excluded = {rating.row for history in histories for rating in history}
        excluded |= _rows_in_archives(model, ratings, WATCHED_FILES)
        for path in without or ():
            listed = _listed(model, path)
            if not listed:
                print_warning(f"--without {path}: none of its movies is in the bundle.")
            excluded |= listed
        mask, reason_for_none = model.candidates(filters, excluded, _selected(model, only, ratings))
        recent = [_recent(history, rated_since) for history in histories]
        if len(recent) > 1:
            rule = group or "least-misery"
            group_movies = recommend_to_group(model, recent, mask, top, rule, by)
            result: dict[str, Any] = {"recommendations": group_movies, "group": rule}
            text = formatting.format_group(group_movies, rule)
        else:
            scored = model.score(recent[0])
            movies = model.rank(scored, mask, top, diverse, by)
            result = {"recommendations": movies, "user": scored.user}
            text = formatting.format_recommendations(movies, scored.user)
        print_result(result | {"reason_for_none": reason_for_none}, json, lambda: text or reason_for_none)
    if not text:
        sys.exit(EXIT_EMPTY)


def _recent(history: Sequence[UserRating], since: int | None) -> Sequence[UserRating]:
    """Return the ratings of a year or later.

    Raises:
        InputError: there are none.
    """
    if since is None:
        return history
    from datetime import UTC, datetime

    first = int(datetime(since, 1, 1, tzinfo=UTC).timestamp())
    recent = [rating for rating in history if rating.time is not None and rating.time >= first]
    if not recent:
        raise InputError(
            f"--rated-since {since}", "a rating with such a date", "none", "Give an earlier year."
        )
    return recent


def _listed(model: Bundle, path: Path) -> set[int]:
    from reelgraph.app.rating_imports.matching import find_listed_movies
    from reelgraph.app.rating_imports.movie_lists import read_movie_list

    return find_listed_movies(read_movie_list(path), model.catalog, model.title_index)


def _rows_in_archives(model: Bundle, paths: Sequence[Path], members: Sequence[str]) -> set[int]:
    """Return the movies that some files of the archives among the paths list."""
    from reelgraph.app.rating_imports.matching import find_listed_movies
    from reelgraph.app.rating_imports.movie_lists import parse_archive_lists
    from reelgraph.app.rating_imports.ratings_file import read_content

    lists = (parse_archive_lists(read_content(path), str(path), members) for path in paths)
    return find_listed_movies(list(chain.from_iterable(lists)), model.catalog, model.title_index)


def _selected(model: Bundle, only: str | None, paths: Sequence[Path]) -> set[int] | None:
    """Return the movies of the list that ``--from`` names; None: all movies.

    Raises:
        InputError: none of them is in the bundle.
    """
    if only is None:
        return None
    from reelgraph.app.rating_imports.archives import WATCHLIST_FILES

    is_watchlist = only == WATCHLIST
    rows = _rows_in_archives(model, paths, WATCHLIST_FILES) if is_watchlist else _listed(model, Path(only))
    if not rows:
        remedy = "Give a file with titles, or the zip archive of Letterboxd or Trakt with its watchlist."
        raise InputError(f"--from {only}", "a list with a movie of the bundle", "none", remedy)
    return rows
