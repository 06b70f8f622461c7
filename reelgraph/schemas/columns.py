"""The catalogue's columns by what they hold. Apart from its contract, for whoever needs no table engine."""

ACTORS = ("actor_1", "actor_2", "actor_3")

ENTITY_COLUMNS: dict[str, tuple[str, ...]] = {
    "actor": ACTORS,
    "director": ("director_1",),
    "writer": ("writer_1",),
    "genre": ("genre_1",),
    "company": ("produced_by_company_1",),
    "country": ("produced_in_country_1",),
    "language": ("spoken_language_1",),
}
"""Entity type → the catalogue's columns that name its entities."""

TEXT_COLUMNS = (
    "original_title", "tagline", "overview",
    *(column for columns in ENTITY_COLUMNS.values() for column in columns),
)  # fmt: skip
