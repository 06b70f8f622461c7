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

from reelgraph.app.download.http import DownloadError, HttpClient
from reelgraph.runtime.atomic_io import atomic_write
from reelgraph.runtime.errors import InputError
from reelgraph.runtime.progress import progress

CHUNK_BYTES = 1 << 20
MAX_UNPACKED_BYTES = 5 << 30
"""Bytes that an edition may unpack to."""
RETRY_HINT = "Run it again; if that doesn't help, tell GroupLens."


def read_licence(client: HttpClient, name: str) -> str:
    """Return the part of an edition's README that says what may be done with it.

    Raises:
        FetchError: it can't be fetched, or has no such part.
    """
    page = client.get(f"{name}-README.html")
    text = html.unescape(re.sub(r"<[^>]*>", "", (page or b"").decode("utf-8", "replace")))
    found = re.search(r"Usage License\s*[-=]*\s*(.*?)\n\s*\n?\s*(?:Citation|Acknowledg)", text, re.S | re.I)
    if not found:
        raise DownloadError(
            f"{client.base_url}{name}-README.html", "a README with its Usage License", "none", RETRY_HINT
        )
    return re.sub(r"\n\s*\n+", "\n\n", found[1]).strip()


def download_edition(client: HttpClient, name: str, folder: Path) -> int:
    """Download an edition, check it, unpack it to ``folder``; return the bytes of the zip.

    Raises:
        InputError: the folder has files already.
        FetchError: the server can't be reached, or the zip isn't the one that its checksum names.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(str(folder), "a new or empty folder", "files in it", "Name another with --to.")
    expected = re.search(rb"\b[0-9a-f]{32}\b", client.get(f"{name}.zip.md5") or b"")
    if not expected:
        raise DownloadError(f"{client.base_url}{name}.zip.md5", "an MD5 sum", "none", RETRY_HINT)
    with tempfile.TemporaryDirectory(prefix="reelgraph-") as scratch:
        path = Path(scratch) / "edition.zip"
        got = client.read(f"{name}.zip", _saved(path, name))
        if got != expected[0].decode():
            raise DownloadError(
                f"{client.base_url}{name}.zip", f"MD5 {expected[0].decode()}", got or "nothing", RETRY_HINT
            )
        _unpack(path, name, folder)
        return path.stat().st_size


def _saved(path: Path, name: str) -> Callable[[http.client.HTTPResponse], str]:
    """Return what writes an answer to a file and gives its MD5 sum; a cut answer is tried again."""

    def take(answer: http.client.HTTPResponse) -> str:
        size = int(answer.headers.get("Content-Length") or 0)
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("wb") as out:
            for part in progress(iter(lambda: answer.read(CHUNK_BYTES), b""), name, -(-size // CHUNK_BYTES)):
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
        with zipfile.ZipFile(path) as archive, atomic_write(folder) as draft:
            draft.mkdir()
            files = [each for each in archive.infolist() if re.fullmatch(rf"{name}/[\w.-]+", each.filename)]
            if sum(each.file_size for each in files) > MAX_UNPACKED_BYTES or not files:
                raise DownloadError(
                    f"{name}.zip",
                    f"files of at most {MAX_UNPACKED_BYTES:,} bytes in {name}/",
                    "others",
                    RETRY_HINT,
                )
            for each in files:
                with archive.open(each) as source, (draft / Path(each.filename).name).open("wb") as out:
                    shutil.copyfileobj(source, out, CHUNK_BYTES)
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{name}.zip", "a zip file", str(error), RETRY_HINT) from None
