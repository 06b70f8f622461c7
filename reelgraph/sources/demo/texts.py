"""Titles, taglines and overviews of the demo, filled from templates by genre, names and themes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from string import Formatter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.sources.demo.movies import N_THEMES, DemoMovies
from reelgraph.sources.demo.names import (
    TITLE_WORDS,
    TOWNS,
    WordLists,
    first_names,
    join_texts,
    surnames,
    take_words,
)
from reelgraph.sources.demo.text_templates import GENRES, THEMES

OPENINGS = (
    "{hero} is {occupation} in {place} who wants just one thing: to {goal1}.",
    "In {place}, {occupation} named {hero} sets out to {goal1}.",
    "{hero}, {occupation} from {place}, gets the chance of a lifetime: to {goal1}.",
    "When {event1}, {occupation} named {hero} is drawn into the affair.",
    "{place}, {year}: {event1}, and {hero}, {occupation}, is caught in the middle.",
    "After {event1}, {hero}, {occupation} in {place}, has to start all over again.",
    "{Subject1} turns the life of {hero}, {occupation} in {place}, upside down.",
    "All that {hero}, {occupation}, ever dreamed of was to {goal1}.",
    "This is the story of {hero}, {occupation} in {place}, and of {subject1}.",
)
"""Sentences about the first theme."""

MIDDLES = (
    "But when {event2}, {first} is forced to {goal2}.",
    "Things get out of hand when {event2}.",
    "To make matters worse, {event2}, and everybody blames {rival}.",
    "Along the way {he} has to {goal2}.",
    "There {he} meets {rival}, who cannot stop talking about {subject2}.",
    "Everything changes on the day when {event2}.",
    "Only {rival}, an old friend, suspects that {subject2} is behind it all.",
    "Then {first} is asked to {goal2}, and {he} cannot say no.",
    "But {subject2} stands between {him} and the life that {he} wants.",
)
"""Sentences about the second theme."""

ENDINGS = (
    "Meanwhile, {rival} is determined to {goal3}.",
    "Together they have to {goal3}.",
    "What nobody expects is that {event3}.",
    "At the heart of it all lies {subject3}.",
    "And then {event3}.",
    "In the end it all comes down to {subject3}.",
    "Before long {event3}, and there is no way back.",
    "With the help of {rival}, {he} tries to {goal3}.",
)
"""Sentences about the third theme."""

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
    "{actor_1} and {actor_2} star in this {adjective} {film_type}.",
    "{director_1} directs {actor_1} in a {adjective} {film_type} about {subject1}.",
    "Starring {actor_1}, this {adjective} {film_type} by {director_1} never lets go.",
    "With {actor_1} as {hero}, {director_1} turns {subject1} into a {adjective} {film_type}.",
)
"""Used where the catalogue has these names."""

TAGLINES = (
    "One {key}. Two lies. No way back.",
    "Every {key} has its price.",
    "{first} never asked for a {key}.",
    "A {key} can change a life.",
    "Beware of the {key}.",
    "It all started with a {key}.",
)

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
"""Two title words for each theme: its key at the theme's index, its title len(THEMES) further on."""

GENRE_TAGLINE_FRACTION = 0.5
"""Fraction of taglines that come from the genre's own templates."""

Slots = Mapping[str, pa.Array]
"""Slot name of the templates → the text that replaces it, one per movie."""


def story_slots(movies: DemoMovies, entity_names: Slots, seed: int) -> Slots:
    """Sample main character, rival and location, and return the texts of all slots.

    Args:
        movies: the movies.
        entity_names: names by column of the catalogue.
        seed: root seed.
    """
    rng = generator(seed, "demo/story")
    count = len(movies.genre)
    woman = rng.random(count) < 0.45
    uniform = rng.random((count, 6))
    first = first_names(movies.culture, woman, uniform[:, 0])
    last = surnames(movies.culture, uniform[:, 1])
    rival_first = first_names(movies.culture, rng.random(count) < 0.5, uniform[:, 2])
    # The offset makes it rare that the rival has the main character's surname.
    rival_last = surnames(movies.culture, (uniform[:, 1] + 0.1 + 0.8 * uniform[:, 3]) % 1.0)
    return {
        "first": first,
        "surname": last,
        "hero": join_texts(first, last, by=" "),
        "rival": join_texts(rival_first, rival_last, by=" "),
        "place": TOWNS.choose_words(movies.country, uniform[:, 4]),
        "year": pa.array(movies.year).cast(pa.string()),
        "occupation": _genre_phrases("occupations").choose_words(movies.genre, uniform[:, 5]),
        "adjective": _genre_phrases("adjectives").choose_words(movies.genre, rng.random(count)),
        "film_type": take_words([g.film_type for g in GENRES], movies.genre),
        "name": first,
        **_pronouns(woman.astype(np.int64)),
        **_theme_slots(movies.themes),
        **entity_names,
    }


def generate_titles(slots: Slots, movies: DemoMovies, seed: int) -> pa.Array:
    """Generate a distinct title for each movie.

    A title that an earlier movie has gets a subtitle. If an earlier movie has that too, it gets a number.
    """
    rng = generator(seed, "demo/title")
    count = len(movies.genre)
    title_slots = {
        "noun": take_words(TITLE_NOUNS, movies.themes[:, 0] + len(THEMES) * rng.integers(0, 2, count)),
        "other": take_words(TITLE_NOUNS, movies.themes[:, 1] + len(THEMES) * rng.integers(0, 2, count)),
        "word": take_words(TITLE_WORDS, rng.integers(0, len(TITLE_WORDS), count)),
    }
    choice = rng.integers(0, len(TITLE_PATTERNS), count)
    title = fill_templates(TITLE_PATTERNS, choice, {**slots, **title_slots})
    noun = take_words(TITLE_NOUNS, movies.themes[:, 2] + len(THEMES) * rng.integers(0, 2, count))
    subtitle_words = [f": The {word} " for word in TITLE_WORDS]
    subtitle = join_texts(take_words(subtitle_words, rng.integers(0, len(TITLE_WORDS), count)), noun)
    with_subtitle = join_texts(title, pc.if_else(pa.array(_previous_occurrences(title) > 0), subtitle, ""))
    occurrences = _previous_occurrences(with_subtitle)
    numbers = ["", *(f" {number + 2}" for number in range(int(occurrences.max())))]
    return join_texts(with_subtitle, take_words(numbers, occurrences))


def generate_taglines(slots: Slots, movies: DemoMovies, seed: int) -> pa.Array:
    """Generate a tagline for each movie."""
    rng = generator(seed, "demo/tagline")
    count = len(movies.genre)
    by_genre = _fill_genre_templates("taglines", movies, rng.random(count), slots)
    general = fill_templates(TAGLINES, rng.integers(0, len(TAGLINES), count), slots)
    return pc.if_else(pa.array(rng.random(count) < GENRE_TAGLINE_FRACTION), by_genre, general)


def generate_overviews(slots: Slots, movies: DemoMovies, seed: int) -> pa.Array:
    """Generate an overview of three to six sentences for each movie, which mentions all its themes."""
    rng = generator(seed, "demo/overview")
    count = len(movies.genre)
    has_names = movies.available["actor_1"] & movies.available["actor_2"] & movies.available["director_1"]
    sentences = [
        _fill_uniformly(OPENINGS, rng.random(count), slots),
        _fill_uniformly(DETAILS, rng.random(count) * 1.8 - 0.8, slots),
        _fill_uniformly(MIDDLES, rng.random(count), slots),
        _fill_uniformly(ENDINGS, rng.random(count), slots),
        pc.if_else(
            pa.array(rng.random(count) < 0.6),
            _fill_genre_templates("closings", movies, rng.random(count), slots),
            "",
        ),
        _fill_uniformly(CREDITS, np.where(has_names, rng.random(count) * 2.8 - 1.8, 0.0), slots),
    ]
    return pc.utf8_trim_whitespace(pc.replace_substring(join_texts(*sentences, by=" "), "  ", " "))


def fill_templates(templates: Sequence[str], choice: Int64[np.ndarray, "movies"], slots: Slots) -> pa.Array:
    """Fill the chosen template of each movie with the movie's texts.

    Args:
        templates: sentences with {slots}; an empty template gives an empty sentence.
        choice: index of each movie's template.
        slots: texts by slot name.
    """
    order = np.argsort(choice, kind="stable")
    cuts = np.searchsorted(choice[order], np.arange(len(templates) + 1))
    texts = [
        _fill_template(template, order[start:end], slots)
        for template, start, end in zip(templates, cuts[:-1], cuts[1:], strict=True)
    ]
    return pa.concat_arrays(texts).take(pa.array(np.argsort(order, kind="stable")))


def _fill_template(template: str, rows: Int64[np.ndarray, "rows"], slots: Slots) -> pa.Array:
    columns = [pa.repeat("", len(rows))]
    for literal, name, _, _ in Formatter().parse(template):
        columns.append(pa.repeat(literal, len(rows)))
        if name:
            columns.append(slots[name].take(pa.array(rows)))
    return join_texts(*columns)


def _fill_uniformly(
    templates: Sequence[str], uniform: Float64[np.ndarray, "movies"], slots: Slots
) -> pa.Array:
    """Choose templates by uniform variables; values below 0 choose the first template."""
    choice = (np.maximum(uniform, 0.0) * len(templates)).astype(np.int64)
    return fill_templates(templates, choice, slots)


def _fill_genre_templates(
    field: str, movies: DemoMovies, uniform: Float64[np.ndarray, "movies"], slots: Slots
) -> pa.Array:
    """Fill one of the templates that the movie's genre has in a field of ``Genre``."""
    templates = _genre_phrases(field)
    return fill_templates(templates.words, templates.choose(movies.genre, uniform), slots)


def _genre_phrases(field: str) -> WordLists:
    """Return the phrases of all genres in a field of ``Genre``."""
    return WordLists.concatenate([getattr(genre, field) for genre in GENRES])


def _pronouns(woman: Int64[np.ndarray, "movies"]) -> Slots:
    feminine = {"he": "she", "He": "She", "him": "her", "his": "her", "His": "Her"}
    return {pronoun: take_words((pronoun, feminine[pronoun]), woman) for pronoun in feminine}


def _theme_slots(themes: Int64[np.ndarray, "movies themes"]) -> Slots:
    slots = {"key": take_words([t.key for t in THEMES], themes[:, 0])}
    for column in range(N_THEMES):
        for field in ("subject", "goal", "event"):
            phrases = [getattr(t, field) for t in THEMES]
            slots[f"{field}{column + 1}"] = take_words(phrases, themes[:, column])
    slots["Subject1"] = take_words([t.subject[0].upper() + t.subject[1:] for t in THEMES], themes[:, 0])
    return slots


def _previous_occurrences(texts: pa.Array) -> Int64[np.ndarray, "movies"]:
    """Count in how many earlier rows each text occurs."""
    counter: Counter[str] = Counter()
    occurrences = []
    for text in texts.to_pylist():
        occurrences.append(counter[text])
        counter[text] += 1
    return np.array(occurrences, np.int64)
