"""Names of the demo's people, companies, countries and towns. All persons are fictitious."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64, Int64


class Culture(NamedTuple):
    """First names and surnames that are combined with each other."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]


class Country(NamedTuple):
    """A country in which movies are produced."""

    name: str
    fraction: float
    """Fraction of movies; the first ones are as in MovieLens latest-small."""
    language: str
    culture: int
    """Index into ``CULTURES``."""
    towns: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _culture(women: str, men: str, surnames: str) -> Culture:
    return Culture(_words(women), _words(men), _words(surnames))


ENGLISH, FRENCH, GERMAN, LATIN, JAPANESE, CHINESE, INDIAN, SLAVIC, NORDIC = range(9)

CULTURES = (
    _culture("Nora Ellen Grace Ruby Alice Clara Helen Joan Kate Laura Megan Olive Paula Rose Sally Tess "
             "Vera Wendy Abigail Beth Carol Dora Edith Fiona Gwen Hazel Iris Julia Lucy Mabel",
             "Adam Ben Carl Daniel Edward Frank George Henry Ian Jack Kevin Leo Martin Neil Oscar Peter "
             "Ralph Sam Tom Victor Walter Arthur Brian Clive Dean Ethan Felix Gordon Hugh Jasper",
             "Abbott Barlow Carver Dalton Ellery Finch Garner Hale Ingram Jarvis Keller Lawson Mercer Nolan "
             "Osborne Parrish Quill Ramsey Sutton Thorne Underhill Vance Weaver Yates Ashby Boyle Crane "
             "Drake Eaton Fletcher Graves Hollis Irwin Joyce Kemp Lockwood Marsh North Oakley Pike Rowe "
             "Sharp Tate Upton Vaughn Wells Archer Blake Connor Doyle Everett Foster Grant Harper Ives "
             "Jordan Knox Lane Monroe Nash Owens Porter Reed Stone Tucker Voss Ward York Avery Beck Cole "
             "Dunn Emmett Flynn Gale Hobbs Innes Jessup Kirk Lyle Moss Neville Orton Pryce Quincy Royce "
             "Slater Tyler Usher Vickers Wade Zeller"),
    _culture("Amélie Brigitte Camille Denise Élise Florence Gisèle Hélène Inès Juliette Louise Margot",
             "Alain Bruno Claude Didier Émile François Gaston Henri Jacques Luc Marcel Olivier",
             "Arnaud Beaumont Chevalier Dubois Fontaine Girard Hubert Joubert Lacroix Marchand Noël Perrin "
             "Renaud Sauvage Tessier Vasseur Aubert Blanchard Collet Delorme Fournier Gauthier Lambert "
             "Mercier"),
    _culture("Anneliese Birgit Christa Doris Elke Greta Hanna Inge Jutta Karin Lotte Monika",
             "Anton Bernd Dieter Emil Fritz Gerhard Hans Jürgen Klaus Lothar Manfred Otto",
             "Ackermann Brandt Dietrich Eberhardt Fischer Gruber Hoffmann Jäger Kessler Lindner Meyer "
             "Neumann Pohl Richter Schreiber Thaler Ullmann Vogel Winkler Zimmer Albrecht Bauer Engel Falk"),
    _culture("Alba Beatriz Carmen Elena Francesca Giulia Inés Lucía Marta Paola Rosa Sofia",
             "Alberto Bruno Carlos Diego Enrico Fabio Gabriel Javier Luis Marco Pablo Rafael",
             "Alvarez Bianchi Castillo Delgado Esposito Ferrari Gallo Herrera Iglesias Lombardi Moreno "
             "Navarro Ortega Pellegrini Quintero Romano Santoro Torres Vargas Zamora Aguilar Conti Medina "
             "Rossi"),
    _culture("Aiko Chiyo Emi Fumiko Hana Keiko Mariko Naomi Reiko Sachiko Yoko Yumi",
             "Akira Daisuke Hiroshi Ichiro Jiro Kenji Makoto Noboru Osamu Ryo Takeshi Yuji",
             "Aoki Endo Fujita Goto Hayashi Ishida Kato Kimura Maeda Mori Nakano Ogawa Okada Saito Sasaki "
             "Shimizu Tanabe Ueda Wada Yamane Arai Hirano Kojima Noda"),
    _culture("Ailing Fang Hua Jia Lan Mei Ning Qing Shu Wen Xiu Yan",
             "Bao Chen Feng Gang Hong Jun Kai Lei Ming Ping Shan Wei",
             "Bai Cao Deng Fan Guo He Jiang Kang Liang Ma Ouyang Peng Qian Ren Shen Tang Wu Xie "
             "Yang Zhao Zhou Lu Lin Song"),
    _culture("Anjali Deepa Gita Indira Kavita Lata Meera Nandini Priya Radha Sunita Usha",
             "Anil Arjun Dev Gopal Harish Kiran Mohan Nikhil Rajesh Sanjay Vijay Vikram",
             "Agarwal Banerjee Chopra Desai Ghosh Iyer Joshi Kapoor Mehta Nair Pandey Rao Saxena Tiwari "
             "Varma Bose Chatterjee Gupta Khanna Malhotra Menon Patil Reddy Shetty"),
    _culture("Agata Darya Galina Irina Katya Lena Milena Nadia Olga Svetlana Tatiana Vesna",
             "Andrei Boris Dmitri Fyodor Igor Ivan Konstantin Lev Mikhail Nikolai Pavel Yuri",
             "Antonov Belov Dragan Fedorov Gromov Horvat Ivanov Kovac Lebedev Markov Novak Orlov Petrov "
             "Romanov Sokolov Tarasov Volkov Zukov Babic Chernov Jankovic Kowal Morozov Simic"),
    _culture("Astrid Birgitta Dagny Freja Gudrun Ingrid Karen Liv Maja Solveig Tove Ylva",
             "Anders Bjorn Erik Gunnar Håkon Jens Kristian Lars Magnus Nils Sven Torben",
             "Andersen Berg Dahl Eklund Forsberg Gustafsson Hansen Iversen Jensen Karlsson Lindqvist Madsen "
             "Nygaard Olsen Persson Rasmussen Strand Thorsen Vik Westergaard Aalto Bakke Holm Lund"),
)  # fmt: skip

COUNTRIES = (
    Country("United States of America", .655, "English", ENGLISH,
            ("Chicago", "New Orleans", "Brooklyn", "Seattle", "Memphis", "Boston", "Santa Fe", "Detroit",
             "Savannah")),
    Country("United Kingdom", .088, "English", ENGLISH,
            ("London", "Glasgow", "Brighton", "Liverpool", "Oxford", "Whitby")),
    Country("France", .050, "French", FRENCH, ("Paris", "Lyon", "Marseille", "Nice", "Rouen")),
    Country("Germany", .034, "German", GERMAN, ("Berlin", "Hamburg", "Munich", "Leipzig")),
    Country("Canada", .034, "English", ENGLISH, ("Toronto", "Vancouver", "Halifax", "Calgary")),
    Country("Japan", .022, "Japanese", JAPANESE, ("Tokyo", "Kyoto", "Osaka", "Sapporo")),
    Country("Italy", .020, "Italian", LATIN, ("Rome", "Naples", "Turin", "Palermo")),
    Country("Australia", .016, "English", ENGLISH, ("Sydney", "Perth", "Hobart", "Alice Springs")),
    Country("Spain", .012, "Spanish", LATIN, ("Madrid", "Seville", "Bilbao", "Granada")),
    Country("India", .010, "Hindi", INDIAN, ("Mumbai", "Delhi", "Jaipur", "Calcutta")),
    Country("Hong Kong", .010, "Cantonese", CHINESE, ("Kowloon", "Aberdeen", "Mong Kok")),
    Country("China", .008, "Mandarin", CHINESE, ("Shanghai", "Beijing", "Harbin")),
    Country("Sweden", .007, "Swedish", NORDIC, ("Stockholm", "Malmö", "Uppsala")),
    Country("Denmark", .006, "Danish", NORDIC, ("Copenhagen", "Aarhus", "Odense")),
    Country("Russia", .006, "Russian", SLAVIC, ("Moscow", "Saint Petersburg", "Kazan")),
    Country("Mexico", .005, "Spanish", LATIN, ("Mexico City", "Oaxaca", "Veracruz")),
    Country("Argentina", .004, "Spanish", LATIN, ("Buenos Aires", "Rosario", "Salta")),
    Country("Brazil", .004, "Portuguese", LATIN, ("Rio de Janeiro", "Recife", "São Paulo")),
    Country("Poland", .003, "Polish", SLAVIC, ("Warsaw", "Gdansk", "Krakow")),
    Country("Norway", .002, "Norwegian", NORDIC, ("Oslo", "Bergen", "Tromsø")),
    Country("Austria", .002, "German", GERMAN, ("Vienna", "Salzburg", "Graz")),
    Country("Czech Republic", .001, "Czech", SLAVIC, ("Prague", "Brno", "Olomouc")),
    Country("Serbia", .001, "Serbian", SLAVIC, ("Belgrade", "Novi Sad", "Nis")),
)  # fmt: skip

COMPANY_WORDS = _words("""
Amber Anchor Aurora Beacon Birch Blue Bright Cedar Comet Copper Crescent Crown Delta Eagle Ember Falcon
Golden Granite Harbor Horizon Iron Ivory Jade Keystone Lantern Lighthouse Lotus Maple Meridian Moon
Northern Oak Onyx Orchid Pacific Pearl Phoenix Pine Prairie Raven Red River Royal Sapphire Silver Solar
Spring Star Summit Swan Thunder Tiger Tower Velvet Vista Western White Willow Winter Zenith
""")
COMPANY_SUFFIXES = (
    "Pictures",
    "Films",
    "Entertainment",
    "Studios",
    "Productions",
    "Film Company",
    "Cinema",
    "Media",
)

TITLE_WORDS = _words("""
Silent Broken Last Secret Crimson Hidden Lost Golden Endless Midnight Burning Frozen Perfect Crooked
Savage Gentle Hollow Distant Bitter Sweet Black White Scarlet Forgotten Final Second Third Wild Quiet
Blind Strange Dangerous Beautiful Cruel Electric Empty False Fatal First Foolish Great Holy Honest
Innocent Invisible Lonely Long Lucky Mad Naked Noble Patient Phantom Private Restless Rising Royal Sacred
Shattered Sleeping Stolen Sudden Tender Unknown Velvet Wicked
""")

ACTOR_STRIDE = 7919
CREW_STRIDE = 6007
"""Primes: their multiples, modulo the number of names, visit all names without a visible pattern."""

ALPHABET_SIZE = 26


def take_words(words: Sequence[str], index: Int64[np.ndarray, "movies"]) -> pa.Array:
    """Return the word at each index."""
    return pa.array(words, pa.string()).take(pa.array(index))


def join_texts(*columns: pa.Array, by: str = "") -> pa.Array:
    """Join the columns row by row."""
    return pc.binary_join_element_wise(*columns, by)


@dataclass(frozen=True)
class WordLists:
    """Lists of words or phrases, concatenated: one for each culture, country or genre."""

    words: tuple[str, ...]
    start: Int64[np.ndarray, "lists"]
    size: Int64[np.ndarray, "lists"]

    @classmethod
    def concatenate(cls, lists: Sequence[tuple[str, ...]]) -> WordLists:
        """Concatenate the lists."""
        size = np.array([len(words) for words in lists])
        return cls(sum(lists, ()), np.cumsum(size) - size, size)

    def take(self, row: Int64[np.ndarray, "movies"], index: Int64[np.ndarray, "movies"]) -> pa.Array:
        """Return each movie's word at an index of the list in a row."""
        return take_words(self.words, self.start[row] + index)

    def choose(
        self, row: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]
    ) -> Int64[np.ndarray, "movies"]:
        """Choose a word of each movie's list by a uniform variable; return its index in ``words``."""
        return self.start[row] + (uniform * self.size[row]).astype(np.int64)

    def choose_words(
        self, row: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]
    ) -> pa.Array:
        """Choose a word of each movie's list by a uniform variable."""
        return take_words(self.words, self.choose(row, uniform))


_WOMEN = WordLists.concatenate([c.women for c in CULTURES])
_MEN = WordLists.concatenate([c.men for c in CULTURES])
_FIRST_NAMES = WordLists.concatenate([c.women + c.men for c in CULTURES])
_SURNAMES = WordLists.concatenate([c.surnames for c in CULTURES])
TOWNS = WordLists.concatenate([c.towns for c in COUNTRIES])


def person_names(
    culture: Int64[np.ndarray, "movies"], index: Int64[np.ndarray, "movies"], stride: int
) -> pa.Array:
    """Return the full name of each person of a culture; different people have different names.

    After all pairs of first name and surname are used, pairs repeat with a middle initial.
    """
    pairs = _FIRST_NAMES.size[culture] * _SURNAMES.size[culture]
    pair = index * stride % pairs
    cycle = index // pairs
    first = _FIRST_NAMES.take(culture, pair % _FIRST_NAMES.size[culture])
    last = _SURNAMES.take(culture, pair // _FIRST_NAMES.size[culture])
    initials = take_words([_initials(i) for i in range(int(cycle.max()) + 1)], cycle)
    return join_texts(first, initials, last)


def _initials(number: int) -> str:
    """Return " " for 0, " A. " … " Z. " for 1 … 26, then " A. A. " and so on."""
    letters = ""
    while number > 0:
        number, letter = divmod(number - 1, ALPHABET_SIZE)
        letters = f" {chr(ord('A') + letter)}.{letters}"
    return f"{letters} "


def first_names(
    culture: Int64[np.ndarray, "movies"],
    woman: Bool[np.ndarray, "movies"],
    uniform: Float64[np.ndarray, "movies"],
) -> pa.Array:
    """Choose a character's first name by a uniform variable."""
    women = _WOMEN.choose_words(culture, uniform)
    men = _MEN.choose_words(culture, uniform)
    return pc.if_else(pa.array(woman), women, men)


def surnames(culture: Int64[np.ndarray, "movies"], uniform: Float64[np.ndarray, "movies"]) -> pa.Array:
    """Choose a character's surname by a uniform variable."""
    return _SURNAMES.choose_words(culture, uniform)


MAX_COMPANIES = len(COMPANY_WORDS) * len(COMPANY_SUFFIXES) * (len(COMPANY_WORDS) - 1)
"""Number of distinct company names."""


def company_names(index: Int64[np.ndarray, "movies"]) -> pa.Array:
    """Return each company's name: one or two words and a suffix."""
    pairs = len(COMPANY_WORDS) * len(COMPANY_SUFFIXES)
    pair = index * ACTOR_STRIDE % pairs
    cycle = index // pairs
    prefixes = [f"{word} " for word in COMPANY_WORDS]
    first = pair % len(COMPANY_WORDS)
    second = np.where(cycle > 0, (first + cycle) % len(COMPANY_WORDS) + 1, 0)
    suffix = take_words(COMPANY_SUFFIXES, pair // len(COMPANY_WORDS))
    return join_texts(take_words(prefixes, first), take_words(["", *prefixes], second), suffix)
