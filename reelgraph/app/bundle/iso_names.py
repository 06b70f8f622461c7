"""Names of languages and countries by ISO code, so that a filter takes any of them.

TMDB names a language in that language, a country in English.
"""

from __future__ import annotations

import unicodedata

LANGUAGES = """
af Afrikaans | ar Arabic, العربية | az Azerbaijani, Azərbaycan | bg Bulgarian, български език, български
bm Bambara, Bamanankan | bn Bengali, বাংলা | bs Bosnian, Bosanski | ca Catalan, Català
cn Cantonese, 广州话 / 廣州話, 广州话, 廣州話, yue
cs Czech, Český, Čeština | cy Welsh, Cymraeg | da Danish, Dansk
de German, Deutsch | el Greek, ελληνικά | en English | eo Esperanto | es Spanish, Español, Castilian
et Estonian, Eesti | eu Basque, euskera, euskara | fa Persian, فارسی, Farsi | fi Finnish, suomi
fr French, Français | ga Irish, Gaeilge | gl Galician, Galego | he Hebrew, עִבְרִית | hi Hindi, हिन्दी
hr Croatian, Hrvatski | hu Hungarian, Magyar | id Indonesian, Bahasa indonesia | is Icelandic, Íslenska
it Italian, Italiano | ja Japanese, 日本語 | ka Georgian, ქართული | kk Kazakh, қазақ
ko Korean, 한국어/조선말, 한국어 | la Latin | lt Lithuanian, Lietuvių | lv Latvian, Latviešu
ms Malay, Bahasa melayu | mt Maltese, Malti | nb Norwegian Bokmål, Bokmål | nl Dutch, Nederlands
no Norwegian, Norsk | pa Punjabi, ਪੰਜਾਬੀ | pl Polish, Polski | ps Pashto, پښتو | pt Portuguese, Português
ro Romanian, Română | ru Russian, Pусский, Русский | sk Slovak, Slovenčina | sl Slovenian, Slovenščina
so Somali | sq Albanian, shqip | sr Serbian, Srpski, Српски | sv Swedish, svenska | sw Swahili, Kiswahili
ta Tamil, தமிழ் | te Telugu, తెలుగు | th Thai, ภาษาไทย | tr Turkish, Türkçe
uk Ukrainian, Український, Українська | ur Urdu, اردو | vi Vietnamese, Tiếng Việt | wo Wolof
xx No Language | zh Mandarin, 普通话, Chinese, 中文 | zu Zulu, isiZulu
"""
"""ISO 639-1 code, English name, other names. TMDB writes Pусский with a Latin P, and has codes of its own for
Cantonese and for no language."""

COUNTRIES = """
AE United Arab Emirates, UAE | AF Afghanistan | AO Angola | AR Argentina | AT Austria | AU Australia
AW Aruba | BA Bosnia and Herzegovina | BE Belgium | BF Burkina Faso | BG Bulgaria | BO Bolivia | BR Brazil
BS Bahamas | BT Bhutan | BW Botswana | CA Canada | CD Congo | CH Switzerland | CI Cote D'Ivoire, Ivory Coast
CL Chile | CM Cameroon | CN China | CO Colombia | CS Serbia and Montenegro | CU Cuba | CY Cyprus
CZ Czech Republic, Czechia | DE Germany | DK Denmark | DM Dominica | DO Dominican Republic | DZ Algeria
EC Ecuador | EE Estonia | EG Egypt | ES Spain | FI Finland | FJ Fiji | FR France
GB United Kingdom, UK, Great Britain | GE Georgia | GR Greece | GY Guyana | HK Hong Kong | HR Croatia
HU Hungary | ID Indonesia | IE Ireland | IL Israel | IN India | IQ Iraq | IR Iran | IS Iceland | IT Italy
JM Jamaica | JO Jordan | JP Japan | KE Kenya | KG Kyrgyz Republic, Kyrgyzstan | KH Cambodia
KR South Korea, Korea | KZ Kazakhstan | LB Lebanon | LI Liechtenstein | LK Sri Lanka | LT Lithuania
LU Luxembourg | LV Latvia | LY Libyan Arab Jamahiriya, Libya | MA Morocco | MC Monaco
MK Macedonia, North Macedonia | MT Malta | MX Mexico | MY Malaysia | NA Namibia | NG Nigeria
NL Netherlands, Holland | NO Norway | NP Nepal | NZ New Zealand | PA Panama | PE Peru | PH Philippines
PK Pakistan | PL Poland | PT Portugal | RO Romania | RS Serbia | RU Russia | SE Sweden | SG Singapore
SI Slovenia | SK Slovakia | SN Senegal | TH Thailand | TN Tunisia | TR Turkey, Türkiye
TT Trinidad and Tobago | TW Taiwan | UA Ukraine | US United States of America, USA, United States | UY Uruguay
VE Venezuela | VN Vietnam | XC Czechoslovakia | ZA South Africa
"""
"""ISO 3166-1 code, TMDB's name, other names."""


class IsoNames:
    """The codes and names of one kind, compared by their letters and digits, without case and accents."""

    def __init__(self, table: str) -> None:
        self._english: dict[str, str] = {}
        for entry in table.strip().replace("\n", " | ").split(" | "):
            code, _, names = entry.partition(" ")
            english, *others = names.split(", ")
            self._english |= {_normalize(name): english for name in (code, english, *others)}

    def english(self, name: str) -> str:
        """Return the English name for a code or name; the name itself if the table lacks it."""
        return self._english.get(_normalize(name), name)

    def key(self, name: str) -> str:
        """Return the key that all names of a language or country have."""
        return _normalize(self.english(name))


def _normalize(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(character for character in decomposed if character.isalnum())
    return letters or name.strip()


LANGUAGE_NAMES = IsoNames(LANGUAGES)
COUNTRY_NAMES = IsoNames(COUNTRIES)
