"""Taglines and overviews: stories that follow a movie's genre, people and themes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.sources.demo.movies import N_THEMES, DemoMovies
from reelgraph.sources.demo.names import COUNTRIES, TITLE_WORDS, first_names, join_texts, surnames, take_words
from reelgraph.sources.demo.text_templates import GENRES, THEMES

OPENINGS = (
    "{hero} is {trade} in {place} who wants just one thing: to {goal1}.",
    "In {place}, {trade} named {hero} sets out to {goal1}.",
    "{hero}, {trade} from {place}, gets the chance of a lifetime: to {goal1}.",
    "When {event1}, {trade} named {hero} is drawn into the affair.",
    "{place}, {year}: {event1}, and {hero}, {trade}, is caught in the middle.",
    "After {event1}, {hero}, {trade} in {place}, has to start all over again.",
    "{Thing1} turns the life of {hero}, {trade} in {place}, upside down.",
    "All that {hero}, {trade}, ever dreamed of was to {goal1}.",
    "This is the story of {hero}, {trade} in {place}, and of {thing1}.",
)
"""The first theme's sentence."""

MIDDLES = (
    "But when {event2}, {first} is forced to {goal2}.",
    "Things get out of hand when {event2}.",
    "To make matters worse, {event2}, and everybody blames {rival}.",
    "Along the way {he} has to {goal2}.",
    "There {he} meets {rival}, who cannot stop talking about {thing2}.",
    "Everything changes on the day when {event2}.",
    "Only {rival}, an old friend, suspects that {thing2} is behind it all.",
    "Then {first} is asked to {goal2}, and {he} cannot say no.",
    "But {thing2} stands between {him} and the life that {he} wants.",
)
"""The second theme's sentence."""

LATER = (
    "Meanwhile, {rival} is determined to {goal3}.",
    "Together they have to {goal3}.",
    "What nobody expects is that {event3}.",
    "At the heart of it all lies {thing3}.",
    "And then {event3}.",
    "In the end it all comes down to {thing3}.",
    "Before long {event3}, and there is no way back.",
    "With the help of {rival}, {he} tries to {goal3}.",
)
"""The third theme's sentence."""

DETAILS = (
    "",
    "{first} has not been back to {place} in years.",
    "{His} family wants no part of it.",
    "Nobody believes {him} except {rival}, and that may not be enough.",
    "It is the hottest week of the summer, and tempers are short.",
    "Old friends turn out to be strangers, and strangers turn out to be friends.",
    "{He} has three days, very little money and a promise to keep.",
    "The neighbours talk, the telephone never stops ringing, and {rival} keeps asking questions.",
)

CREDITS = (
    "",
    "{actor_1} and {actor_2} star in this {tone} {kind}.",
    "{director_1} directs {actor_1} in a {tone} {kind} about {thing1}.",
    "Starring {actor_1}, this {tone} {kind} by {director_1} never lets go.",
    "With {actor_1} as {hero}, {director_1} turns {thing1} into a {tone} {kind}.",
)
"""Only where the catalogue has these people."""

TAGLINES = (
    "One {key}. Two lies. No way back.",
    "Every {key} has its price.",
    "{first} never asked for a {key}.",
    "A {key} can change a life.",
    "Beware of the {key}.",
    "It all started with a {key}.",
)

GENRE_TAGLINE = 0.5
"""Share of taglines that are the genre's own."""


def generate_taglines(slots: Slots, movies: DemoMovies, seed: int) -> pa.Array:
    """Write a tagline for each movie."""
    rng, count = generator(seed, "demo/tagline"), len(movies.genre)
    own = _by_genre("tags", movies, rng.random(count), slots)
    common = fill_templates(TAGLINES, rng.integers(0, len(TAGLINES), count), slots)
    return pc.if_else(pa.array(rng.random(count) < GENRE_TAGLINE), own, common)


def generate_overviews(slots: Slots, movies: DemoMovies, seed: int) -> pa.Array:
    """Write an overview of three to six sentences for each movie; it tells of all its themes."""
    rng, count = generator(seed, "demo/overview"), len(movies.genre)
    known = movies.available["actor_1"] & movies.available["actor_2"] & movies.available["director_1"]
    sentences = [
        _some(OPENINGS, rng.random(count), slots),
        _some(DETAILS, rng.random(count) * 1.8 - 0.8, slots),
        _some(MIDDLES, rng.random(count), slots),
        _some(LATER, rng.random(count), slots),
        pc.if_else(
            pa.array(rng.random(count) < 0.6), _by_genre("ends", movies, rng.random(count), slots), ""
        ),
        _some(CREDITS, np.where(known, rng.random(count) * 2.8 - 1.8, 0.0), slots),
    ]
    return pc.utf8_trim_whitespace(pc.replace_substring(join_texts(*sentences, by=" "), "  ", " "))


def _some(templates: Sequence[str], uniform: Float64[np.ndarray, "movies"], slots: Slots) -> pa.Array:
    """Choose evenly; what is below 0 gets the first template."""
    return fill_templates(templates, (np.maximum(uniform, 0.0) * len(templates)).astype(np.int64), slots)


def _by_genre(
    what: str, movies: DemoMovies, uniform: Float64[np.ndarray, "movies"], slots: Slots
) -> pa.Array:
    """Choose one of the sentences that the movie's genre has for a purpose."""
    return fill_templates(*_genre_choice(what, movies.genre, uniform), slots)


def _genre_choice(
    what: str, genre: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]
) -> tuple[list[str], Int64[np.ndarray, "movies"]]:
    """Return the phrases of all genres in one list, and the index of a movie's own."""
    lists = [getattr(g, what) for g in GENRES]
    size = np.array([len(one) for one in lists])
    start = np.cumsum(size) - size
    flat = [text for one in lists for text in one]
    return flat, start[genre] + (uniform * size[genre]).astype(np.int64)


def story_slots(movies: DemoMovies, people: Slots, seed: int) -> Slots:
    """Draw hero, rival and place, and collect every word that a template may ask for.

    Args:
        movies: what the stories are about.
        people: names by the catalogue's columns.
        seed: root seed.
    """
    rng, count = generator(seed, "demo/story"), len(movies.genre)
    woman, uniform = rng.random(count) < 0.45, rng.random((count, 6))
    first, last = first_names(movies.culture, woman, uniform[:, 0]), surnames(movies.culture, uniform[:, 1])
    return {
        "first": first,
        "surname": last,
        "hero": join_texts(first, last, by=" "),
        "rival": join_texts(
            first_names(movies.culture, rng.random(count) < 0.5, uniform[:, 2]),
            # shifted, so that the rival seldom has the hero's name
            surnames(movies.culture, (uniform[:, 1] + 0.1 + 0.8 * uniform[:, 3]) % 1.0),
            by=" ",
        ),
        "place": _places(movies.country, uniform[:, 4]),
        "year": pa.array(movies.year).cast(pa.string()),
        "trade": take_words(*_genre_choice("trades", movies.genre, uniform[:, 5])),
        "tone": take_words(*_genre_choice("tone", movies.genre, rng.random(count))),
        "kind": take_words([g.kind for g in GENRES], movies.genre),
        "name": first,
        **_pronouns(woman.astype(np.int64)),
        **_theme_slots(movies.themes),
        **people,
    }


def _places(country: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]) -> pa.Array:
    size = np.array([len(c.towns) for c in COUNTRIES])
    towns = [town for c in COUNTRIES for town in c.towns]
    return take_words(towns, (np.cumsum(size) - size)[country] + (uniform * size[country]).astype(np.int64))


def _pronouns(woman: Int64[np.ndarray, "movies"]) -> Slots:
    forms = {"he": "she", "He": "She", "him": "her", "his": "her", "His": "Her"}
    return {his: take_words((his, hers), woman) for his, hers in forms.items()}


def _theme_slots(themes: Int64[np.ndarray, "movies themes"]) -> Slots:
    slots = {"key": take_words([t.key for t in THEMES], themes[:, 0])}
    for place in range(N_THEMES):
        for what in ("thing", "goal", "event"):
            phrases = [getattr(t, what) for t in THEMES]
            slots[f"{what}{place + 1}"] = take_words(phrases, themes[:, place])
    slots["Thing1"] = take_words([t.thing[0].upper() + t.thing[1:] for t in THEMES], themes[:, 0])
    return slots


Slots = Mapping[str, pa.Array]
"""What stands for {name} in a template, one text a movie."""


def fill_templates(templates: Sequence[str], choice: Int64[np.ndarray, "movies"], slots: Slots) -> pa.Array:
    """Fill each movie's chosen template with the movie's words.

    Args:
        templates: sentences with {slots}; an empty one is no sentence.
        choice: index of the template of each movie.
        slots: texts by name.
    """
    order = np.argsort(choice, kind="stable")
    cuts = np.searchsorted(choice[order], np.arange(len(templates) + 1))
    texts = [
        _filled(template, order[start:end], slots)
        for template, start, end in zip(templates, cuts[:-1], cuts[1:], strict=True)
    ]
    return pa.concat_arrays(texts).take(pa.array(np.argsort(order, kind="stable")))


def _filled(template: str, rows: Int64[np.ndarray, "chosen"], slots: Slots) -> pa.Array:
    taken = pa.array(rows)
    columns = [pa.repeat("", len(rows))]
    for literal, name, _, _ in Formatter().parse(template):
        columns.append(pa.repeat(literal, len(rows)))
        if name:
            columns.append(slots[name].take(taken))
    return join_texts(*columns)


TITLE_PATTERNS = (
    "The {word} {noun}",
    "{word} {noun}",
    "{noun} in {place}",
    "{surname}'s {noun}",
    "{noun} and {other}",
    "{first} and the {word} {noun}",
    "The {noun} of {hero}",
    "The {word} {noun} of {place}",
    "A {noun} for {first}",
    "{hero}",
)

TITLE_NOUNS = tuple(t.key.title() for t in THEMES) + tuple(t.title for t in THEMES)
"""Each theme has two title words: its key, and another that lies len(THEMES) further on."""


def generate_titles(slots: Slots, movies: DemoMovies, seed: int) -> pa.Array:
    """Write a title for each movie.

    What has been used gets a subtitle, and where that has been used too, a number.
    """
    rng, count = generator(seed, "demo/title"), len(movies.genre)
    more = {
        "noun": take_words(TITLE_NOUNS, movies.themes[:, 0] + len(THEMES) * rng.integers(0, 2, count)),
        "other": take_words(TITLE_NOUNS, movies.themes[:, 1] + len(THEMES) * rng.integers(0, 2, count)),
        "word": take_words(TITLE_WORDS, rng.integers(0, len(TITLE_WORDS), count)),
    }
    first = fill_templates(TITLE_PATTERNS, rng.integers(0, len(TITLE_PATTERNS), count), {**slots, **more})
    noun = take_words(TITLE_NOUNS, movies.themes[:, 2] + len(THEMES) * rng.integers(0, 2, count))
    subtitle = join_texts(take_words([f": The {word} " for word in TITLE_WORDS],
                            rng.integers(0, len(TITLE_WORDS), count)), noun)  # fmt: skip
    longer = join_texts(first, pc.if_else(pa.array(_times_before(first) > 0), subtitle, ""))
    times = _times_before(longer)
    return join_texts(
        longer, take_words(["", *(f" {number + 2}" for number in range(int(times.max())))], times)
    )


def _times_before(texts: pa.Array) -> Int64[np.ndarray, "movies"]:
    """Count how often each text stands in an earlier row."""
    return texts.to_pandas().groupby(texts.to_pandas()).cumcount().to_numpy().astype(np.int64)
