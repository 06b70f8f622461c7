"""Zip archives of Letterboxd and Trakt, and archives that are hostile or damaged."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.app.rating_imports.archives import MAX_MEMBERS, read_ratings_member
from reelgraph.app.rating_imports.ratings_file import parse_ratings_file
from reelgraph.runtime.errors import InputError
from tests.app.test_rating_imports import LETTERBOXD, TRAKT

OTHER = "Date,Name,Year,Letterboxd URI\n2024-03-01,Heat,1995,u\n"


def zip_files(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.simplefilter("ignore")  # names may repeat
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("files", "site", "member"),
    [
        (
            {"profile.csv": "a,b\n", "watched.csv": OTHER, "ratings.csv": LETTERBOXD, "likes/films.csv": OTHER,
             "deleted/ratings.csv": OTHER, "lists/ratings.csv": OTHER},
            "Letterboxd", "ratings.csv",
        ),
        ({"letterboxd-me/ratings.csv": LETTERBOXD, "__MACOSX/letterboxd-me/._ratings.csv": "x"},
         "Letterboxd", "letterboxd-me/ratings.csv"),
        ({"ratings/ratings-movies.json": TRAKT, "ratings/ratings-shows.json": "[]", "watched/history.json": "[]"},
         "Trakt", "ratings/ratings-movies.json"),
        ({"mine.csv": LETTERBOXD, "picture.png": b"x"}, "Letterboxd", "mine.csv"),
    ],
)  # fmt: skip
def test_read_ratings_member_finds_the_ratings(files: dict[str, str], site: str, member: str) -> None:
    file = parse_ratings_file(zip_files(files), "export.zip")
    assert file.site == site
    assert file.notes[0] == f"Read {member} of the archive."
    expected = parse_ratings_file(files[member].encode(), "ratings")
    assert file.ratings == expected.ratings


def set_flag(content: bytes) -> bytes:
    """Mark the members as encrypted, in their headers and in the central directory."""
    patched = bytearray(content)
    patched[6] |= 1
    patched[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(patched)


def set_method(content: bytes) -> bytes:
    patched = bytearray(content)
    patched[content.index(b"PK\x01\x02") + 10] = 97
    return bytes(patched)


def damage(content: bytes) -> bytes:
    middle = content.index(b"ratings.csv") + 20
    return (
        content[:middle] + bytes(byte ^ 255 for byte in content[middle : middle + 9]) + content[middle + 9 :]
    )


def unchanged(content: bytes) -> bytes:
    return content


@pytest.mark.parametrize(
    ("files", "change", "message"),
    [
        ({"ratings.csv": LETTERBOXD}, set_flag, "an encrypted file"),
        ({"ratings.csv": LETTERBOXD}, set_method, "method 97"),
        ({"ratings.csv": LETTERBOXD}, damage, "a damaged one"),
        ({"ratings.csv": LETTERBOXD}, lambda content: content[:-30], "a damaged one"),
        ({"ratings.csv": LETTERBOXD}, lambda content: content[:4], "a damaged one"),
        ({"../../ratings.csv": LETTERBOXD}, unchanged, "a path that leaves it"),
        ({"/etc/ratings.csv": LETTERBOXD}, unchanged, "a path that leaves it"),
        ({"ratings.csv": LETTERBOXD, "..\\x": ""}, unchanged, "a path that leaves it"),
        ({"ratings.csv": b"0" * 1_000_000}, unchanged, "at most 200 times its compressed size"),
        (
            {"a/ratings.csv": LETTERBOXD, "b/ratings.csv": LETTERBOXD},
            unchanged,
            "a/ratings.csv, b/ratings.csv",
        ),
        ({"one.csv": LETTERBOXD, "two.csv": LETTERBOXD}, unchanged, "one.csv, two.csv"),
        ({"picture.png": b"x"}, unchanged, "picture.png"),
        ({}, unchanged, "got nothing"),
        ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, unchanged, "a spreadsheet"),
        ({"mimetype": "application/vnd.oasis", "content.xml": ""}, unchanged, "a spreadsheet"),
        ({str(number): "" for number in range(MAX_MEMBERS + 1)}, unchanged, "at most 10,000 files"),
        (
            {"ratings.csv": zip_files({"ratings.csv": LETTERBOXD})},
            unchanged,
            "a CSV or JSON file, got a zip archive",
        ),
    ],
)
def test_parse_ratings_file_raises_on_other_archives(
    files: dict[str, str | bytes], change: Callable[[bytes], bytes], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        parse_ratings_file(change(zip_files(files, zipfile.ZIP_DEFLATED)), "export.zip")


def test_read_ratings_member_raises_on_a_large_file() -> None:
    content = zip_files({"ratings.csv": LETTERBOXD}, zipfile.ZIP_STORED)
    with pytest.raises(InputError, match="at most 100 bytes"):
        read_ratings_member(content, "export.zip", max_bytes=100)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4))
def test_parse_ratings_file_parses_or_raises_on_a_changed_archive(changes: list[tuple[float, int]]) -> None:
    content = bytearray(zip_files({"ratings.csv": LETTERBOXD, "watched.csv": OTHER}))
    for position, byte in changes:
        content[int(position * len(content))] = byte
    with suppress(InputError):
        parse_ratings_file(bytes(content), "export.zip")
