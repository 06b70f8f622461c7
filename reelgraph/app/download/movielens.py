"""Download of a MovieLens data set from GroupLens, with its licence and checksum."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path

from urllib3 import BaseHTTPResponse

from reelgraph.app.download.http import DownloadError, HttpClient
from reelgraph.runtime.atomic_io import atomic_write
from reelgraph.runtime.errors import InputError
from reelgraph.runtime.progress import progress

CHUNK_BYTES = 1 << 20
MAX_ARCHIVE_BYTES = 2 << 30
MAX_EXTRACTED_BYTES = 5 << 30
"""Maximum total size of the extracted files."""
RETRY_HINT = "Run the command again; if that doesn't help, contact GroupLens."


def read_licence(client: HttpClient, name: str) -> str:
    """Return the section "Usage License" of the data set's README.

    Raises:
        DownloadError: the README can't be downloaded, or has no such section.
    """
    page = client.get(f"{name}-README.html")
    text = html.unescape(re.sub(r"<[^>]*>", "", (page or b"").decode("utf-8", "replace")))
    section = re.search(r"Usage License\s*[-=]*\s*(.*?)\n\s*\n?\s*(?:Citation|Acknowledg)", text, re.S | re.I)
    if not section:
        url = f"{client.base_url}{name}-README.html"
        raise DownloadError(url, "a README with the section Usage License", "no such section", RETRY_HINT)
    return re.sub(r"\n\s*\n+", "\n\n", section[1]).strip()


def download_edition(client: HttpClient, name: str, folder: Path) -> int:
    """Download a data set, verify its MD5 checksum and extract it; return the size of the archive in bytes.

    Raises:
        InputError: the folder is not empty.
        DownloadError: the server can't be reached, or the checksum differs.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            str(folder), "a new or empty folder", "other files", "Choose another folder by --to."
        )
    checksum = re.search(rb"\b[0-9a-f]{32}\b", client.get(f"{name}.zip.md5") or b"")
    if not checksum:
        raise DownloadError(f"{client.base_url}{name}.zip.md5", "an MD5 checksum", "none", RETRY_HINT)
    expected = checksum[0].decode()
    with tempfile.TemporaryDirectory(prefix="reelgraph-") as temp_dir:
        archive = Path(temp_dir) / "edition.zip"
        actual = client.stream(f"{name}.zip", lambda response: _save(response, archive, name))
        if actual != expected:
            got = f"MD5 {actual}" if actual else "no file"
            raise DownloadError(f"{client.base_url}{name}.zip", f"MD5 {expected}", got, RETRY_HINT)
        _extract(archive, name, folder)
        return archive.stat().st_size


def _save(response: BaseHTTPResponse, path: Path, name: str) -> str:
    """Write the body to a file; return its MD5 checksum."""
    length = response.headers.get("Content-Length") or ""
    size = int(length) if re.fullmatch(r"\d{1,15}", length, re.ASCII) else 0
    n_bytes = 0
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        for chunk in progress(response.stream(CHUNK_BYTES), name, -(-size // CHUNK_BYTES)):
            n_bytes += len(chunk)
            if n_bytes > MAX_ARCHIVE_BYTES:
                expected = f"at most {MAX_ARCHIVE_BYTES:,} bytes"
                raise DownloadError(f"{name}.zip", expected, "more", RETRY_HINT)
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _extract(path: Path, name: str, folder: Path) -> None:
    """Extract the files directly below the archive's folder ``name``, and no others."""
    try:
        with zipfile.ZipFile(path) as archive, atomic_write(folder) as draft:
            draft.mkdir()
            members = [
                member for member in archive.infolist() if re.fullmatch(rf"{name}/\w[\w.-]*", member.filename)
            ]
            size = sum(member.file_size for member in members)
            if size > MAX_EXTRACTED_BYTES or not members:
                raise DownloadError(
                    f"{name}.zip",
                    f"files of at most {MAX_EXTRACTED_BYTES:,} bytes in {name}/",
                    f"{len(members)} files of {size:,} bytes",
                    RETRY_HINT,
                )
            for member in members:
                target = draft / Path(member.filename).name
                with archive.open(member) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, CHUNK_BYTES)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise DownloadError(f"{name}.zip", "a readable zip archive", str(error), RETRY_HINT) from None
