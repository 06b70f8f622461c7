"""Downloading an edition of MovieLens from GroupLens: licence first, checksum always."""

from __future__ import annotations

import hashlib
import html
import http.client
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from reelgraph.app.download.http import Client, FetchError
from reelgraph.runtime.atomic_io import replacing
from reelgraph.runtime.errors import InputError
from reelgraph.runtime.progress import progress

PART = 1 << 20
LARGEST = 5 << 30
"""Bytes that an edition may unpack to."""
AGAIN = "Run it again; if that doesn't help, tell GroupLens."


def licence(client: Client, name: str) -> str:
    """Return the part of an edition's README that says what may be done with it.

    Raises:
        FetchError: it can't be fetched, or has no such part.
    """
    page = client.get(f"{name}-README.html")
    text = html.unescape(re.sub(r"<[^>]*>", "", (page or b"").decode("utf-8", "replace")))
    found = re.search(r"Usage License\s*[-=]*\s*(.*?)\n\s*\n?\s*(?:Citation|Acknowledg)", text, re.S | re.I)
    if not found:
        raise FetchError(f"{client.base}{name}-README.html", "a README with its Usage License", "none", AGAIN)
    return re.sub(r"\n\s*\n+", "\n\n", found[1]).strip()


def download(client: Client, name: str, folder: Path) -> int:
    """Download an edition, check it, unpack it to ``folder``; return the bytes of the zip.

    Raises:
        InputError: the folder has files already.
        FetchError: the server can't be reached, or the zip isn't the one that its checksum names.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(str(folder), "a new or empty folder", "files in it", "Name another with --to.")
    expected = re.search(rb"\b[0-9a-f]{32}\b", client.get(f"{name}.zip.md5") or b"")
    if not expected:
        raise FetchError(f"{client.base}{name}.zip.md5", "an MD5 sum", "none", AGAIN)
    with tempfile.TemporaryDirectory(prefix="reelgraph-") as scratch:
        path = Path(scratch) / "edition.zip"
        got = client.read(f"{name}.zip", _saved(path, name))
        if got != expected[0].decode():
            raise FetchError(
                f"{client.base}{name}.zip", f"MD5 {expected[0].decode()}", got or "nothing", AGAIN
            )
        _unpack(path, name, folder)
        return path.stat().st_size


def _saved(path: Path, name: str) -> Callable[[http.client.HTTPResponse], str]:
    """Return what writes an answer to a file and gives its MD5 sum; a cut answer is tried again."""

    def take(answer: http.client.HTTPResponse) -> str:
        size = int(answer.headers.get("Content-Length") or 0)
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("wb") as out:
            for part in progress(iter(lambda: answer.read(PART), b""), name, -(-size // PART)):
                digest.update(part)
                out.write(part)
        got = path.stat().st_size
        if got < size:
            raise http.client.IncompleteRead(b"", size - got)
        return digest.hexdigest()

    return take


def _unpack(path: Path, name: str, folder: Path) -> None:
    """Unpack the files right under the edition's own folder, and nothing else."""
    try:
        with zipfile.ZipFile(path) as archive, replacing(folder) as draft:
            draft.mkdir()
            files = [each for each in archive.infolist() if re.fullmatch(rf"{name}/[\w.-]+", each.filename)]
            if sum(each.file_size for each in files) > LARGEST or not files:
                raise FetchError(
                    f"{name}.zip", f"files of at most {LARGEST:,} bytes in {name}/", "others", AGAIN
                )
            for each in files:
                with archive.open(each) as source, (draft / Path(each.filename).name).open("wb") as out:
                    shutil.copyfileobj(source, out, PART)
    except zipfile.BadZipFile as error:
        raise FetchError(f"{name}.zip", "a zip file", str(error), AGAIN) from None
