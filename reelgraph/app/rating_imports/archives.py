"""Taking the file of ratings out of a site's zip archive, which is neither trusted nor extracted to disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from reelgraph.runtime.errors import InputError

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
CENTRAL_HEADER = b"PK\x01\x02"
"""Start of each member's entry in the list at the end of the archive."""
RATING_FILES = ("ratings.csv", "ratings-movies.json", "ratings_movies.json", "ratings.json")
"""Names of the files of ratings in the archives of Letterboxd and Trakt."""
WATCHED_FILES = (
    "watched.csv",
    "diary.csv",
    "reviews.csv",
    "films.csv",
    "watched-movies.json",
    "watched_movies.json",
)
"""Files of watched movies; ``likes/films.csv`` has the liked ones."""
WATCHLIST_FILES = ("watchlist.csv", "watchlist-movies.json", "watchlist_movies.json", "lists-watchlist.json")
DROPPED_FOLDERS = ("deleted", "orphaned", "lists", "__MACOSX")
MAX_MEMBERS = 10_000
MAX_RATIO = 200
"""Maximum size of the file divided by its compressed size."""
READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
"""Bit of a member's flags."""
DAMAGE_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)
"""What zipfile raises on damaged archives."""
HINT = "Extract the zip archive, and give the CSV or JSON file with your ratings."


def is_zip(content: bytes) -> bool:
    """Return whether the content starts as a zip archive does."""
    return content.startswith(ZIP_MAGIC)


def read_ratings_member(content: bytes, name: str, max_bytes: int) -> tuple[str, bytes]:
    """Return the name and the content of the file of ratings in a zip archive.

    Args:
        content: the archive.
        name: name of the archive in error messages.
        max_bytes: maximum size of the file of ratings.

    Raises:
        InputError: the archive is damaged, encrypted, compressed by another method or beyond the limits; it
            has paths that leave it, or no file of ratings or several.
    """
    with _open_archive(content, name) as archive:
        member = _find_member(archive.infolist(), name)
        return member.filename, _read_member(archive, member, name, max_bytes)


def read_list_members(
    content: bytes, name: str, names: Collection[str], max_bytes: int
) -> list[tuple[str, bytes]]:
    """Return name and content of the files of these names, such as watched movies, in a zip archive.

    Args:
        content: the archive.
        name: name of the archive in error messages.
        names: names of files, in small letters.
        max_bytes: maximum size of all of these files together.

    Raises:
        InputError: as ``read_ratings_member`` does.
    """
    files = []
    with _open_archive(content, name) as archive:
        for member in archive.infolist():
            path = PurePosixPath(member.filename.replace("\\", "/"))
            if path.name.lower() in names and not set(DROPPED_FOLDERS) & set(path.parts[:-1]):
                files.append((member.filename, _read_member(archive, member, name, max_bytes)))
                max_bytes -= len(files[-1][1])
    return files


@contextmanager
def _open_archive(content: bytes, name: str) -> Iterator[zipfile.ZipFile]:
    if content.count(CENTRAL_HEADER) > MAX_MEMBERS:
        raise InputError(name, f"at most {MAX_MEMBERS:,} files", "more", HINT)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield archive
    except DAMAGE_ERRORS:
        raise InputError(name, "a zip archive", "a damaged one", HINT) from None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, max_bytes: int) -> bytes:
    _check_member(member, f"{name}: {_printable(member.filename)}", max_bytes)
    with archive.open(member) as file:
        return file.read(max_bytes)


def _find_member(members: list[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    """Return the file of ratings: that of a known name in the fewest folders, else the only CSV or JSON."""
    paths = [(PurePosixPath(member.filename.replace("\\", "/")), member) for member in members]
    if any(".." in path.parts or path.is_absolute() for path, _ in paths):
        raise InputError(name, "paths within the archive", "a path that leaves it", HINT)
    names = {str(path) for path, _ in paths}
    if "xl/workbook.xml" in names or {"mimetype", "content.xml"} <= names:
        raise InputError(name, "a CSV or JSON file", "a spreadsheet", "Save the sheet as CSV in UTF-8.")
    files = [
        (path, member)
        for path, member in paths
        if member.filename
        and not member.is_dir()
        and "__MACOSX" not in path.parts
        and not path.name.startswith(".")
    ]
    candidates = [file for file in files if file[0].name.lower() in RATING_FILES]
    if candidates:
        depth = min(len(path.parts) for path, _ in candidates)
        candidates = [file for file in candidates if len(file[0].parts) == depth]
    else:
        candidates = [file for file in files if file[0].suffix.lower() in (".csv", ".tsv", ".txt", ".json")]
    if len(candidates) == 1:
        return candidates[0][1]
    listed = ", ".join(_printable(str(path)) for path, _ in (candidates or files)[:5]) or "nothing"
    raise InputError(name, f"one file named {' or '.join(RATING_FILES[:2])} in the archive", listed, HINT)


def _check_member(member: zipfile.ZipInfo, where: str, max_bytes: int) -> None:
    if member.flag_bits & ENCRYPTED:
        raise InputError(where, "a file without a password", "an encrypted file", HINT)
    if member.compress_type not in READABLE:
        raise InputError(where, "the compression method deflate", f"method {member.compress_type}", HINT)
    if member.file_size > max_bytes:
        raise InputError(where, f"at most {max_bytes:,} bytes", f"{member.file_size:,}", HINT)
    if member.file_size > MAX_RATIO * max(member.compress_size, 1):
        got = f"{member.file_size:,} bytes from {member.compress_size:,}"
        raise InputError(where, f"a file at most {MAX_RATIO} times its compressed size", got, HINT)


def _printable(name: str) -> str:
    return ascii(name[:60])[1:-1]
